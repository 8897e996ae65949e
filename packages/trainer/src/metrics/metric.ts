// CONTRACT of a measure: from generated examples and examples of the data, as features or raw values, to a few numbers.
// Measures are in this folder, listed in ./index.ts.
import type { Modes } from '../data/dataset.js';
import type { Rows } from './matrix.js';

/** Examples, and their features, which are extracted once, on first use. */
export interface Examples {
  readonly count: number;
  /** Raw values: one row per example. */
  readonly values: Rows;
  /** Their classes (of generated examples, the requested ones), if there are classes. */
  readonly labels?: Int32Array;
  /** The extractor's features: one row per example. */
  features(): Promise<Rows>;
  /** The extractor's class probabilities, if it is a classifier. */
  probabilities(): Promise<Rows>;
}

/** Input of a measure. */
export interface MetricInput {
  /** Generated examples. */
  readonly made: Examples;
  /** As many examples of the data. */
  readonly real: Examples;
  /** Examples of the training data, up to `most`. */
  train(most: number): Promise<Examples>;
  /** Examples kept out of training; read only if a measure needs them. */
  readonly holdout?: Examples;
  /** Set if the data is a known mixture. */
  readonly modes?: Modes;
  /** Seed of a measure's random numbers. */
  readonly seed: number;
}

/** What a measure needs: `classes`, an extractor that classifies; `labels`, a generator that takes a class. */
export type MetricNeed = 'classes' | 'labels' | 'holdout' | 'modes';

/** Whether less or more of a score is better. */
export type Better = 'less' | 'more';

/** A measure of a generator. */
export interface Metric {
  readonly name: string;
  /** A few words, for lists. */
  readonly summary: string;
  /** Its scores; by default, a run chooses its best checkpoint by the first one. */
  readonly scores: Readonly<Record<string, Better>>;
  /** What it needs in addition to examples; one need of a nested list is enough. */
  readonly needs?: readonly (MetricNeed | readonly MetricNeed[])[];
  /** Minimum number of examples on each side. Default 1. */
  readonly least?: number;
  /** Scores by name: those of `scores`, and others such as a deviation. */
  measure(on: MetricInput): Promise<Record<string, number>>;
}
