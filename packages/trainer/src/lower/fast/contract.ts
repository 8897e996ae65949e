// The contract of a convolution algorithm: forward, input gradient and filter gradient as adjoints of one bilinear map,
// on values in the algorithm's own orders.
import type { Axis, Value } from '@forja/core/onnx';
import type { KernelLowering, KernelRow, LowerContext, Logical, Perm } from '../contract.js';

/**
 * A two-dimensional convolution of fixed sizes without dilation. Each {@link Axis} has the `large` size, which the
 * convolution reads, and the `small` one, which it makes; a transposed convolution goes from small to large.
 */
export interface Convolution {
  batch: number;
  channels: number;
  outChannels: number;
  height: Axis;
  width: Axis;
}

/**
 * The three products of one convolution. Pictures are logical NHWC values; `filter` is in the order of `filterValue`
 * (filters.ts).
 */
export interface ConvAlgorithm {
  name: string;
  /** Whether it can compute this convolution. */
  fits(conv: Convolution): boolean;
  /** Estimated cost of one product. The unit is the time of a million multiply-adds of a large matrix product. */
  cost(conv: Convolution): number;
  /** y, in order {@link HWNC}. */
  forward(conv: Convolution, x: Logical, filter: Value, ctx: LowerContext): Value;
  /** dx, in order `large`. */
  inputGradient(conv: Convolution, dy: Logical, filter: Value, ctx: LowerContext): Value;
  /** dw as a matrix [a·b·sr·sc·C, Co], in the order of `filterValue`. */
  filterGradient(conv: Convolution, x: Logical, dy: Logical, ctx: LowerContext): Value;
  /** Order of the large picture. */
  large: Perm;
}

/**
 * Pictures with height and width outermost, channels last. A picture is then a matrix with rows (h, w, n) and columns
 * c, and each of its pixel rows is contiguous.
 */
export const HWNC: Perm = [1, 2, 0, 3];

/** Pictures of few channels: the batch is innermost. */
export const HWCN: Perm = [1, 2, 3, 0];

const memory = new WeakMap<object, Map<string, unknown>>();

/**
 * Memoizes `make()` by value and key, to share work between forward and gradients. A key must always be used with the
 * same type.
 */
export function memoized<T = Value>(value: Value, key: string, make: () => T): T {
  const made = memory.get(value) ?? new Map<string, unknown>();
  memory.set(value, made);
  if (made.has(key)) return made.get(key) as T; // stored under this key, so of its type
  const result = make();
  made.set(key, result);
  return result;
}

/** The portable row, for calls that no row of this target handles. */
export function otherwise(portable: KernelRow | undefined): KernelLowering {
  return typeof portable === 'function' ? portable : (_call, ctx) => ctx.unsupported('no row for these sizes');
}
