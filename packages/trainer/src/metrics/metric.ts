// The contract of a measure: from examples that a generator made and examples of the data, in features or as they are,
// to a few numbers. CONTRACT. Measures are siblings in this folder, listed in ./index.ts.
import type { Modes } from '../data/dataset.js';
import type { Rows } from './matrix.js';

/** Examples, with what an extractor says of them; it is asked once, when a measure first wants to know. */
export interface Examples {
  readonly count: number;
  /** The values themselves: one row an example. */
  readonly values: Rows;
  /** What they were asked to be, or are, where there are classes. */
  readonly labels?: Int32Array;
  /** The extractor's features: one row an example. */
  features(): Promise<Rows>;
  /** The extractor's probabilities of classes, where it is a classifier. */
  probabilities(): Promise<Rows>;
}

/** What a measure may look at. */
export interface MetricInput {
  /** What the generator made. */
  readonly made: Examples;
  /** As many examples of the data that it is compared with. */
  readonly real: Examples;
  /** Examples of the training data, up to `most`. */
  train(most: number): Promise<Examples>;
  /** Examples kept out of training; read where a measure needs them. */
  readonly holdout?: Examples;
  /** Where the data is a mixture that is known. */
  readonly modes?: Modes;
  /** Of what a measure draws. */
  readonly seed: number;
}

/** What a measure needs: `classes`, an extractor that names classes; `labels`, a generator that is asked by class. */
export type MetricNeed = 'classes' | 'labels' | 'holdout' | 'modes';

/** Whether less or more of a score is better. */
export type Better = 'less' | 'more';

/** A measure of a generator. */
export interface Metric {
  readonly name: string;
  /** A few words, for lists. */
  readonly summary: string;
  /** Its scores; a run keeps the best checkpoint by the first, unless another is chosen. */
  readonly scores: Readonly<Record<string, Better>>;
  /** Needs beside examples. One of a list in the list is enough. */
  readonly needs?: readonly (MetricNeed | readonly MetricNeed[])[];
  /** Examples that it cannot do without, on each side. Default 1. */
  readonly least?: number;
  /** Scores by name; those of `scores`, and others such as a deviation. */
  measure(on: MetricInput): Promise<Record<string, number>>;
}
