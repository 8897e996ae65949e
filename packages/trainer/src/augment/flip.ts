// Mirrors half of the pictures horizontally. Not for digits, letters and other asymmetric objects.
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';
import { mirroredWhere, readAt } from './places.js';

/** Mirrors each example with probability one half. */
export const flip: Augmentation = {
  name: 'flip',
  of: (pictures, draw) => {
    const mirrored = tf.cast(tf.less(draw.uniform('mirrored'), 0.5), 'float32');
    return readAt(pictures, { columns: mirroredWhere(mirrored, pictures.shape[2]) });
  },
};
