// Pictures shifted by whole pixels, up to an eighth of their size, and padded with zeros (grey). Zhao et al. 2020,
// section 3.3.
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';
import { column, positions, readAt, wholeOf } from './places.js';

const SHARE = 0.125;

/** Shifts rows and columns independently. */
export const translation: Augmentation = {
  name: 'translation',
  of: (pictures, draw) => {
    const along = (name: string, size: number): tf.Tensor => {
      const most = Math.floor(size * SHARE + 0.5);
      return tf.add(positions(size), column(wholeOf(draw.uniform(name), -most, 2 * most + 1)));
    };
    const [, h, w] = pictures.shape;
    return readAt(pictures, { rows: along('rows', h), columns: along('columns', w) });
  },
};
