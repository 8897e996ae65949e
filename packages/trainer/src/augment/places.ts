// Resampling of pictures along rows and columns, per example. Uses matrix products instead of gathers, because a matrix
// product is a dense operation whose second derivative is correct.
import * as tf from '@tensorflow/tfjs';

/** Source positions of a picture's pixels. */
export interface Places {
  /** Source of each row, [n, h]; interpolated linearly, zeros outside. Default: unchanged. */
  rows?: tf.Tensor;
  /** Source of each column, [n, w]. */
  columns?: tf.Tensor;
}

/** Pictures [n, h, w, c] → the same shape, each pixel read at its source position. */
export function readAt(pictures: tf.Tensor4D, { rows, columns }: Places): tf.Tensor4D {
  const down = rows === undefined ? pictures : readRows(pictures, rows);
  return columns === undefined ? down : transposed(readRows(transposed(down), columns));
}

function readRows(pictures: tf.Tensor4D, rows: tf.Tensor): tf.Tensor4D {
  const [n, h, w, c] = pictures.shape;
  const distance = tf.abs(tf.sub(rows.reshape([n, h, 1]), tf.range(0, h).reshape([1, 1, h])));
  return tf.matMul(tf.relu(tf.sub(1, distance)), pictures.reshape([n, h, w * c])).reshape([n, h, w, c]);
}

/** Rows and columns exchanged. */
export const transposed = (pictures: tf.Tensor4D): tf.Tensor4D => tf.transpose(pictures, [0, 2, 1, 3]);

/** The positions 0 … size − 1, [1, size]. */
export const positions = (size: number): tf.Tensor => tf.range(0, size).reshape([1, size]);

/** One number per example as a column [n, 1], to be added to positions. */
export const column = (numbers: tf.Tensor): tf.Tensor => numbers.reshape([-1, 1]);

/** Maps uniform numbers in [0, 1) to the whole numbers `from` … `from + count − 1`, each equally likely. */
export const wholeOf = (uniform: tf.Tensor, from: number, count: number): tf.Tensor =>
  tf.add(tf.floor(tf.mul(uniform, count)), from);

/** Positions [n, size], reversed for examples whose `mirrored` is 1. */
export function mirroredWhere(mirrored: tf.Tensor, size: number): tf.Tensor {
  const places = positions(size);
  return tf.add(places, tf.mul(column(mirrored), tf.sub(size - 1, tf.mul(places, 2))));
}
