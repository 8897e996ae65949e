// CONTRACT of a feature extractor: from examples to rows of features, and to class probabilities if it is a classifier.
// And the extractor for points and other vectors, which are their own features.
import type { Rows } from '../matrix.js';

/** Raw examples: values one example after the other, row-major. */
export interface RawExamples {
  readonly count: number;
  /** [height, width, channels] of pictures, [size] of vectors. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Interval of the values. */
  readonly range: readonly [number, number];
}

/** Features of examples, and probabilities. */
export interface Extracted {
  readonly features: Rows;
  /** Each row sums to 1. */
  readonly probabilities?: Rows;
}

/** Turns examples into features. */
export interface Extractor {
  /** Name for score lines: `digits`, `random features`, the name of a file. */
  readonly name: string;
  /** SHA-256 of its file, in hexadecimal; '' without a file. */
  readonly sha256: string;
  /** How pictures of this shape are resized: `none`, `area 32 → 28`, `bilinear 28 → 299`. */
  resize(shape: readonly number[]): string;
  /** True if it returns class probabilities. */
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
