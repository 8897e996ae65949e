// Turned about the middle by up to 15° either way, as three shears that are linear between pixels (Paeth 1986, "A Fast
// Algorithm for General Raster Rotation"); zeros (grey) come in at the corners.
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';
import { column, own, readAt, transposed } from './places.js';

const MOST = Math.PI / 12;

/** One angle an example, each as likely. */
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

/** Each row read `factor` times its distance from the middle further on. */
function shear(pictures: tf.Tensor4D, factor: tf.Tensor): tf.Tensor4D {
  const [n, h, w, c] = pictures.shape;
  const distances = tf.sub(own(h), (h - 1) / 2);
  const offsets = column(tf.mul(column(factor), distances)); // [n · h, 1]
  const rows: tf.Tensor4D = pictures.reshape([n * h, w, 1, c]);
  return readAt(rows, { rows: tf.add(own(w), offsets) }).reshape([n, h, w, c]);
}
