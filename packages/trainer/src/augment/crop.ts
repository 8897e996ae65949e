// A random crop of 75 % to 100 % of the picture's edge, enlarged to full size by linear interpolation: the random crops
// of classifiers (Szegedy et al. 2015), but square.
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';
import { column, positions, readAt } from './places.js';

const SMALLEST = 0.75;

/** One crop per example, anywhere inside the picture. */
export const crop: Augmentation = {
  name: 'crop',
  of: (pictures, draw) => {
    const edge = tf.sub(1, tf.mul(draw.uniform('edge'), 1 - SMALLEST));
    const along = (name: string, size: number): tf.Tensor => {
      const start = tf.mul(tf.mul(draw.uniform(name), tf.sub(1, edge)), size);
      const places = tf.add(tf.mul(tf.add(positions(size), 0.5), column(edge)), tf.sub(column(start), 0.5));
      return tf.clipByValue(places, 0, size - 1);
    };
    const [, h, w] = pictures.shape;
    return readAt(pictures, { rows: along('rows', h), columns: along('columns', w) });
  },
};
