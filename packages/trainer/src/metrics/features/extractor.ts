// The contract of an extractor: from examples to rows of features, and to probabilities of classes where it is a
// classifier. CONTRACT. And the one for points and other vectors, which are their own features.
import type { Rows } from '../matrix.js';

/** Examples as they come: values one example after the other, row-major. */
export interface RawExamples {
  readonly count: number;
  /** [height, width, channels] of pictures, [size] of vectors. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Interval of the values. */
  readonly range: readonly [number, number];
}

/** What an extractor says of examples. */
export interface Extracted {
  readonly features: Rows;
  /** Sums of rows are 1. */
  readonly probabilities?: Rows;
}

/** Turns examples into features. */
export interface Extractor {
  /** What it is, for score lines: `digits`, `random features`, the name of a file. */
  readonly name: string;
  /** Of its file, in hexadecimal; '' where there is no file. */
  readonly sha256: string;
  /** How pictures of these sizes become those it takes: `none`, `area 32 → 28`, `bilinear 28 → 299`. */
  resize(shape: readonly number[]): string;
  /** Whether it gives probabilities of classes. */
  readonly classifies: boolean;
  extract(examples: RawExamples): Promise<Extracted>;
  dispose(): Promise<void>;
}

/** Vectors as they are. */
export const values: Extractor = {
  name: 'values',
  sha256: '',
  resize: () => 'none',
  classifies: false,
  extract: ({ count, values: data }) =>
    Promise.resolve({ features: { rows: count, columns: data.length / count, data } }),
  dispose: () => Promise.resolve(),
};
