// The type of the tfjs functions that drawn.test.ts differentiates. Not part of the package.
import type * as tf from '@tensorflow/tfjs';

/** Attributes of a draw, by the names in tests/vectors/drawn_gradients.py; each function reads those that it needs. */
export interface Attrs {
  activation: 'linear' | 'relu' | 'sigmoid' | 'elu';
  align: boolean;
  alpha: number;
  axis: number[];
  begin: number[];
  beta: number;
  bias: number;
  block: number[];
  condition: number[];
  crops: number[][];
  dilation: number;
  dilations: number[];
  end: number[];
  equation: string;
  exclusive: boolean;
  exponent: number;
  format: string;
  group: number;
  half: boolean;
  high: number;
  indices: number[] | number[][];
  k: number;
  keep: boolean;
  kind: string;
  labels: number[];
  low: number;
  mask: number[];
  masks: Record<'begin' | 'end' | 'ellipsis' | 'new' | 'shrink', number>;
  mode: string;
  offset: boolean;
  pad: string | number | [number, number][];
  pads: number[][];
  perm: number[];
  radius: number;
  reps: number[];
  reverse: boolean;
  rounding: 'floor' | 'ceil' | null;
  scale: boolean;
  segments: number[];
  shape: number[];
  size: number[];
  sizes: number[];
  stride: number;
  strides: number[];
  transpose: [boolean, boolean];
}

/** Computes the result of a draw from its attributes and inputs. */
export type DrawnFunction = (attrs: Attrs, x: tf.Tensor, ...rest: [tf.Tensor, tf.Tensor, ...tf.Tensor[]]) => tf.Tensor;

/** Drawn inputs have the rank that the function wants. */
export const asPicture = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D;
export const asVolume = (x: tf.Tensor): tf.Tensor5D => x as tf.Tensor5D;
