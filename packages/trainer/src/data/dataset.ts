// The contract of a dataset: examples of one or several fields of fixed shape, read by index in any order.
// Implementations are siblings in this folder; ./order.ts says which examples a batch holds.

/** Values of a field: the array of its dtype. */
export type FieldArray = Float32Array | Int32Array;

/** One field of every example. */
export interface FieldSpec {
  /**
   * Shape of one example: [height, width, channels] for pictures, [size] for vectors and token ids, [] for a number
   * such as a label.
   */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  /** Interval of float values: [-1, 1] for pictures. */
  readonly range?: readonly [number, number];
  /** Names of the classes of an int32 label, by index. */
  readonly classes?: readonly string[];
  /** Words of int32 token ids, by id; id 0 is padding (word ''). */
  readonly vocabulary?: readonly string[];
  /**
   * Unpaired data: fields of one part belong together, parts are drawn independently of each other. Default: all in
   * one.
   */
  readonly part?: string;
}

/** Something that was left out, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** Data that is a mixture of equal Gaussians, known to the last number. */
export interface Modes {
  /** [modes · size]. */
  readonly centres: Float32Array;
  /** Standard deviation in each direction. */
  readonly deviation: number;
}

/** Examples by index. */
export interface Dataset {
  readonly name: string;
  /** Number of examples; of the largest part where there are several. */
  readonly count: number;
  /** Conventional names: image, label, text, vector; pairs: input, target; domains: a, b. */
  readonly fields: Readonly<Record<string, FieldSpec>>;
  /** Examples of each part, where fields name parts. */
  readonly parts?: Readonly<Record<string, number>>;
  readonly license?: string;
  /** Whom to name, for reports and cards. */
  readonly credit?: string;
  /** Examples kept out of training (a split that never changes), for measures. */
  readonly holdout?: Dataset;
  /** Where the data is a known mixture: what a generator covers of it can be counted. */
  readonly modes?: Modes;
  /** What was left out and why (unreadable files), for people. */
  readonly skipped?: readonly SkippedFile[];
  /**
   * Writes the examples `indices` of the fields that `into` names (all of one part), one after another. Synchronous for
   * data in memory.
   */
  read(indices: ArrayLike<number>, into: Readonly<Record<string, FieldArray>>): void | Promise<void>;
}
