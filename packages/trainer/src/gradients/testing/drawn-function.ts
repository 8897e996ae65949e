// The type of a function of the randomly drawn test vectors. Not part of the package.
import type * as tf from '@tensorflow/tfjs';

/** Attributes of a draw, as the script names them; each function reads its own. */
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

/** A function of the vectors. It takes the attributes and as many inputs as the draw has. */
export type DrawnFunction = (attrs: Attrs, x: tf.Tensor, ...rest: [tf.Tensor, tf.Tensor, ...tf.Tensor[]]) => tf.Tensor;

/** Drawn inputs have the rank that the function wants. */
export const asPicture = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D;
export const asVolume = (x: tf.Tensor): tf.Tensor5D => x as tf.Tensor5D;
