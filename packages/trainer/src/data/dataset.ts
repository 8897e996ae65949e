// The contract of a dataset: a fixed number of equal-shaped examples, read by index in any order. Implementations are
// siblings in this folder.

/** Examples by index. */
export interface Dataset {
  readonly name: string;
  readonly count: number;
  /** Shape of one example, NHWC without N: [height, width, channels]; a vector's is [size]. */
  readonly shape: readonly number[];
  /** Values are within this interval: [-1, 1] for pictures. */
  readonly range: readonly [number, number];
  readonly classes?: readonly string[];
  /** Licence of the data, for reports. */
  readonly license?: string;
  /**
   * Writes the examples `indices` into `into`, one after the other: `indices.length` · product(shape) values.
   * Synchronous for data in memory.
   */
  read(indices: ArrayLike<number>, into: Float32Array): void | Promise<void>;
  /** Class of each example in `indices`, where the data has classes. */
  labels?(indices: ArrayLike<number>): Int32Array;
}
