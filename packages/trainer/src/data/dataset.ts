// The contract of a dataset: examples of one or several fields of fixed shape, read by index in any order.
// Implementations are in this folder; ./order.ts decides which examples a batch has.

/** Array type of a field, by dtype. */
export type FieldArray = Float32Array | Int32Array;

/** Description of a field. */
export interface FieldSpec {
  /**
   * Shape of one example: [height, width, channels] for pictures, [size] for vectors and token ids, [] for a number
   * such as a label.
   */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  /** Interval of float values; [-1, 1] for pictures. */
  readonly range?: readonly [number, number];
  /** Names of the classes of an int32 label, by index. */
  readonly classes?: readonly string[];
  /** Words of int32 token ids, by id; id 0 is padding (word ''). */
  readonly vocabulary?: readonly string[];
  /**
   * Unpaired data: fields of one part belong together, parts are drawn independently of each other. Default: one part.
   */
  readonly part?: string;
}

/** A file that was left out, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** The parameters of data that is a mixture of equal Gaussians. */
export interface Modes {
  /** [modes · size]. */
  readonly centres: Float32Array;
  /** Standard deviation in each direction. */
  readonly deviation: number;
}

/** Examples by index. */
export interface Dataset {
  readonly name: string;
  /** Number of examples, of the largest part if there are several. */
  readonly count: number;
  /** Conventional names: image, label, text, vector; pairs: input, target; domains: a, b. */
  readonly fields: Readonly<Record<string, FieldSpec>>;
  /** Number of examples of each part, if fields name parts. */
  readonly parts?: Readonly<Record<string, number>>;
  readonly license?: string;
  /** Attribution, for reports and cards. */
  readonly credit?: string;
  /** Examples kept out of training (a split that never changes), for measures. */
  readonly holdout?: Dataset;
  /** Set if the data is a known mixture, so that the modes that a generator covers can be counted. */
  readonly modes?: Modes;
  /** Unreadable files that were left out, and why. */
  readonly skipped?: readonly SkippedFile[];
  /**
   * Writes the examples `indices` of the fields that `into` names (all of one part), one after another. Synchronous for
   * data in memory.
   */
  read(indices: ArrayLike<number>, into: Readonly<Record<string, FieldArray>>): void | Promise<void>;
}
