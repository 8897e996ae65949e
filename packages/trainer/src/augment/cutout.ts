// Fills a rectangle with zeros (grey). Its edges are half of the picture's, and it may be partly outside of the
// picture. DeVries and Taylor 2017, in the variant of Zhao et al. 2020, section 3.3.
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';
import { column, positions, wholeOf } from './places.js';

const SHARE = 0.5;

/** One rectangle per example. */
export const cutout: Augmentation = {
  name: 'cutout',
  of: (pictures, draw) => {
    const [n, h, w] = pictures.shape;
    // 1 at the positions that the rectangle covers
    const covered = (name: string, size: number): tf.Tensor => {
      const edge = Math.floor(size * SHARE + 0.5);
      const start = wholeOf(draw.uniform(name), -Math.floor(edge / 2), size + 1 - (edge % 2));
      const inside = tf.sub(positions(size), column(start));
      return tf.cast(tf.logicalAnd(tf.greaterEqual(inside, 0), tf.less(inside, edge)), 'float32');
    };
    const hole = tf.mul(covered('rows', h).reshape([n, h, 1, 1]), covered('columns', w).reshape([n, 1, w, 1]));
    return tf.mul(pictures, tf.sub(1, hole));
  },
};
