// Tensors and their specifications, as all packages exchange them. Plain data, without arithmetic.
import { UsageError } from './errors.js';
import { shown } from './shown.js';

/** Element types Forja reads and writes. `float16` numbers are stored as bit patterns in a `Uint16Array`. */
export type DType = 'float32' | 'float16' | 'int32' | 'int64' | 'uint8' | 'int8' | 'bool';

/** A size, or the name of a dynamic dimension such as `batch`. */
export type Dim = number | string;

/**
 * The role of an input or output in a generator. `text`: token ids. `psi`: the scale of styles around their mean.
 * `mix`: a second latent. `layer`: the number of the first layer that the second latent styles.
 */
export type Role = 'latent' | 'label' | 'text' | 'noise' | 'psi' | 'mix' | 'layer' | 'image' | 'tensor' | 'score';

/** Requirements on a tensor. A name in `shape` is a dynamic dimension, equal wherever the name recurs. */
export interface TensorSpec {
  /** Its name in feeds and results. Absent: not known. */
  name?: string;
  /** Type of the elements. Absent: any. */
  dtype?: DType;
  /** Sizes from the outermost: numbers are fixed, names dynamic. */
  shape: Dim[];
  /** The model does not give the rank: any shape is allowed, and `shape` is empty. */
  unranked?: true;
  /** Its role in a generator. Absent: a plain tensor. */
  role?: Role;
  /** Closed interval of the values, for example `[-1, 1]` for a tanh picture. */
  range?: [number, number];
  /**
   * Filled with random numbers of this distribution, drawn by the counter-based generator (Philox), instead of by the
   * caller.
   */
  random?: 'normal' | 'uniform' | 'bernoulli';
  /** Names of the classes of a label, by index. */
  classes?: readonly string[];
  /** Words of a text, by token id; id 0 is padding, ''. */
  vocabulary?: readonly string[];
}

/** Dense tensor, row-major. `data` has exactly `size(shape)` elements of the typed array that belongs to `dtype`. */
export interface Tensor {
  /** Type of the elements. */
  dtype: DType;
  /** Sizes from the outermost; `[]` for a scalar. */
  shape: number[];
  /** The elements; float16 as the bits of each number, bool as bytes 0 and 1. */
  data: ArrayBufferView;
}

/** Tensors by name. */
export type NamedTensors = Record<string, Tensor>;

/** The typed array that holds the elements of each {@link DType}. */
export interface TypedArrays {
  float32: Float32Array;
  float16: Uint16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  int8: Int8Array;
  bool: Uint8Array;
}

/** Any typed array a {@link Tensor} may hold. */
export type TypedArray = TypedArrays[DType];

/** Constructor of each {@link DType}'s typed array. */
export const ARRAY_OF: {
  readonly [D in DType]: new (
    source: number | ArrayLike<never> | ArrayBufferLike,
    offset?: number,
    length?: number,
  ) => TypedArrays[D];
} = {
  float32: Float32Array as never,
  float16: Uint16Array as never,
  int32: Int32Array as never,
  int64: BigInt64Array as never,
  uint8: Uint8Array as never,
  int8: Int8Array as never,
  bool: Uint8Array as never,
};

/** Bytes per element. */
export const BYTES_OF: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  int8: 1,
  bool: 1,
};

/** Number of elements of a static shape. A scalar's is 1. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

/** Rows `start … start + count − 1` along the first axis, as a view; the tensor must have that many. */
export function rowsOf({ dtype, shape, data }: Tensor, start: number, count: number): Tensor {
  const row = shape.slice(1);
  const size = sizeOf(row);
  // `data` is the typed array that belongs to `dtype`.
  return { dtype, shape: [count, ...row], data: (data as TypedArray).subarray(start * size, (start + count) * size) };
}

/** A tensor over `data`, checked: throws {@link UsageError} when the length does not fit the shape. */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: TypedArrays[D]): Tensor {
  if (!Array.isArray(shape) || !ArrayBuffer.isView(data))
    throw new UsageError(`tensor: expected a shape and a typed array, got ${shown(shape)} and ${shown(data)}`, {
      code: 'input.shape',
    });
  if (data.length !== sizeOf(shape)) {
    throw new UsageError(
      `tensor: expected ${sizeOf(shape)} elements for shape [${shape.join(', ')}], got ${data.length}`,
      { code: 'input.shape' },
    );
  }
  return { dtype, shape: [...shape], data };
}
