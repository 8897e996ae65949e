// Rotates about the centre by up to 15° in either direction, using three shears with linear interpolation (Paeth 1986,
// "A Fast Algorithm for General Raster Rotation"); corners are filled with zeros (grey).
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';
import { column, positions, readAt, transposed } from './places.js';

const MOST = Math.PI / 12;

/** One uniformly distributed angle per example. */
export const rotation: Augmentation = {
  name: 'rotation',
  of: (pictures, draw) => {
    const angle = tf.mul(tf.sub(tf.mul(draw.uniform('angle'), 2), 1), MOST);
    const sine = tf.sin(angle);
    const half = tf.neg(tf.div(sine, tf.add(tf.cos(angle), 1))); // −tan(angle / 2)
    const sheared = shear(pictures, half);
    return shear(transposed(shear(transposed(sheared), sine)), half);
  },
};

/** Shifts each row by `factor` times its distance from the middle. */
function shear(pictures: tf.Tensor4D, factor: tf.Tensor): tf.Tensor4D {
  const [n, h, w, c] = pictures.shape;
  const distances = tf.sub(positions(h), (h - 1) / 2);
  const offsets = column(tf.mul(column(factor), distances)); // [n · h, 1]
  const rows: tf.Tensor4D = pictures.reshape([n * h, w, 1, c]);
  return readAt(rows, { rows: tf.add(positions(w), offsets) }).reshape([n, h, w, c]);
}
