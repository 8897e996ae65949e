// Brightness, saturation and contrast of DiffAugment: Zhao et al. 2020, section 3.3, and the authors' code.
import * as tf from '@tensorflow/tfjs';
import type { Augmentation } from './augmentation.js';

/**
 * Adds an offset (brightness), then scales the difference from the pixel's mean over its channels (saturation), then
 * the difference from the picture's mean (contrast).
 */
export const color: Augmentation = {
  name: 'color',
  of: (pictures, draw) => {
    const brighter = tf.add<tf.Tensor4D>(pictures, tf.sub(draw.uniform('brightness'), 0.5));
    const saturated = fromMean(brighter, [3], tf.mul(draw.uniform('saturation'), 2));
    return fromMean(saturated, [1, 2, 3], tf.add(draw.uniform('contrast'), 0.5));
  },
};

function fromMean(x: tf.Tensor4D, axes: number[], factor: tf.Tensor): tf.Tensor4D {
  const mean = tf.mean(x, axes, true);
  return tf.add(tf.mul(tf.sub(x, mean), factor), mean);
}
