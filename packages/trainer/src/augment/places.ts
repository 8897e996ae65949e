// Pictures whose rows and columns come from other places, each example its own. Products with matrices instead of
// gathers: dense, and right when differentiated twice.
import * as tf from '@tensorflow/tfjs';

/** Where the pixels of a picture come from. */
export interface Places {
  /** Row that each row is read at, [n, h]. Between two rows: both, by distance. Outside: zeros. Default: its own. */
  rows?: tf.Tensor;
  /** Column that each column is read at, [n, w]. */
  columns?: tf.Tensor;
}

/** Pictures [n, h, w, c] → the same shape, each pixel read at its place. */
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

/** The places 0 … size − 1, [1, size]. */
export const own = (size: number): tf.Tensor => tf.range(0, size).reshape([1, size]);

/** Numbers of the examples as a column, [n, 1], to be added to places. */
export const column = (numbers: tf.Tensor): tf.Tensor => numbers.reshape([-1, 1]);

/** Whole numbers from `from` on, `count` of them, each as likely, of uniform numbers from [0, 1). */
export const wholeOf = (uniform: tf.Tensor, from: number, count: number): tf.Tensor =>
  tf.add(tf.floor(tf.mul(uniform, count)), from);

/** Places of a line that is read the other way round where `mirrored` is 1, [n, size]. */
export function mirroredWhere(mirrored: tf.Tensor, size: number): tf.Tensor {
  const places = own(size);
  return tf.add(places, tf.mul(column(mirrored), tf.sub(size - 1, tf.mul(places, 2))));
}
