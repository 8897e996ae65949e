// Mixing of two styles, and truncation towards the mean style. Karras et al. 2019, section 3.1 and appendix B.
import * as tf from '@tensorflow/tfjs';

/**
 * `w` and `other` [n, style] → styles [n, layers, style]: example i has `w[i]` in the layers before `from[i]`, and
 * `other[i]` in the rest.
 */
export function mixed(w: tf.Tensor, other: tf.Tensor, from: tf.Tensor, layers: number): tf.Tensor {
  const numbers = tf.range(0, layers).reshape([1, layers, 1]);
  const second = tf.cast(tf.greaterEqual(numbers, tf.cast(from, 'float32').reshape([-1, 1, 1])), 'float32');
  // products with 0 and 1, so that each layer's style is exactly one of the two
  return tf.add(tf.mul(tf.expandDims(w, 1), tf.sub(1, second)), tf.mul(tf.expandDims(other, 1), second));
}

/** mean + ψ·(w − mean), where ψ [n] has a value for each example. */
export const truncated = (w: tf.Tensor, mean: tf.Tensor, psi: tf.Tensor): tf.Tensor =>
  tf.add(mean, tf.mul(tf.sub(w, mean), psi.reshape([-1, 1])));
