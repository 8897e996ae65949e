// Helpers for gradient functions. Rules: compute from the INPUTS (saved outputs are not connected to the tape, which
// makes second order silently wrong), and compute piecewise-constant factors off the tape, so that differentiating
// again neither fails nor computes with zeros.
import * as tf from '@tensorflow/tfjs';
import type { AttrsOf, SharedAttrs } from '../kernels/attributes.js';
import type { KernelName } from '../kernels/names.js';

/** A gradient function of one kernel: the inputs it needs, and a lazy gradient for each input. */
export interface KernelGradient<K extends string = string> {
  inputs: readonly string[];
  /** For kernels whose inputs are a list. */
  all?: boolean;
  /** Declared as a method, whose parameters are bivariant, so that the row of one kernel fits into a table of all. */
  grad(dy: tf.Tensor, saved: readonly tf.Tensor[], attrs: AttrsOf<K>): Record<string, () => tf.Tensor>;
}

/** Gradient functions by kernel name. */
export type GradientTable = { readonly [K in KernelName]?: KernelGradient<K> };

/** Gradient of a kernel with one input. */
export function unary<K extends string = string>(
  name: string,
  grad: (dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<K>) => tf.Tensor,
): KernelGradient<K> {
  return { inputs: [name], grad: (dy, saved, attrs) => ({ [name]: () => grad(dy, at(saved, 0), attrs) }) };
}

/**
 * Gradient of a kernel on `a` and `b` that broadcast against each other; each result is summed to its operand's shape.
 */
export function binary(
  a: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  b: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): KernelGradient {
  return {
    inputs: ['a', 'b'],
    grad: (dy, saved) => {
      const [left, right] = [at(saved, 0), at(saved, 1)];
      return {
        a: () => unbroadcast(a(dy, left, right), left.shape),
        b: () => unbroadcast(b(dy, left, right), right.shape),
      };
    },
  };
}

/** Gradient of a kernel that is piecewise constant in all inputs: zero wherever it is defined. */
export function flat(...names: string[]): KernelGradient {
  return {
    inputs: names,
    grad: (_dy, saved) => Object.fromEntries(names.map((name, i) => [name, () => tf.zeros(at(saved, i).shape)])),
  };
}

/** Gradients of a kernel's outputs as a list; tfjs passes a bare tensor if there is one. */
export function slopesOf(dy: tf.Tensor): tf.Tensor[] {
  return Array.isArray(dy) ? (dy as tf.Tensor[]) : [dy];
}

/** A saved tensor, by position. */
export function at(saved: readonly tf.Tensor[], index: number): tf.Tensor {
  const tensor = saved[index];
  if (tensor === undefined) throw new Error(`gradient: expected saved tensor ${index}, got ${saved.length} of them`);
  return tensor;
}

/**
 * Runs `fn` off the gradient tape, so its result is a constant to differentiation. The engine does not record while it
 * runs a kernel; this marks one as running.
 */
export function constant<T extends tf.Tensor>(fn: () => T): T {
  const { state } = tf.engine();
  state.kernelDepth++;
  try {
    return fn();
  } finally {
    state.kernelDepth--;
  }
}

/** Runs a kernel that has no public function, or whose public function hides an attribute. */
export function kernel<K extends KernelName>(
  name: K,
  inputs: Record<string, tf.Tensor>,
  attrs: SharedAttrs<K>,
): tf.Tensor {
  // tfjs types attributes as a union of plain data types
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
}

/** Sums the axes along which a tensor of `shape` was broadcast to that of `value`. */
export function unbroadcast(value: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const extra = value.rank - shape.length;
  const axes = value.shape.flatMap((size, axis) =>
    axis < extra || (shape[axis - extra] === 1 && size !== 1) ? [axis] : [],
  );
  const summed = axes.length === 0 ? value : tf.sum(value, axes);
  return sameShape(summed.shape, shape) ? summed : tf.reshape(summed, [...shape]);
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** A tensor of constant data. */
export function filled(shape: readonly number[], value: (index: number) => number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => value(i)),
    [...shape],
  );
}

/** An attribute that is a shape or list of axes; a single number counts as a list. */
export function numbers(value: unknown): number[] | undefined {
  if (typeof value === 'number') return [value];
  return Array.isArray(value) && value.every((v): v is number => typeof v === 'number') ? [...value] : undefined;
}
