// Spectral normalisation: a layer's matrix divided by its largest singular value, estimated by one power iteration per
// training call (Miyato et al. 2018, algorithm 1). The iteration's vector `u` is a non-trainable weight.
import * as tf from '@tensorflow/tfjs';
import { constant } from '../../gradients/tape.js';

/** Initial `u` before weights are drawn; any vector but 0 will do. */
export const startOfU = (): ReturnType<typeof tf.initializers.ones> => tf.initializers.ones();

/**
 * `kernel` [..., out] divided by its largest singular value as a matrix [rest, out]. u [out] and v are constants for
 * differentiation, as in the paper; training updates u.
 */
export function spectrallyNormal(kernel: tf.Tensor, u: tf.LayerVariable, training: boolean): tf.Tensor {
  const out = kernel.shape.at(-1) ?? 1;
  const matrix = tf.reshape(kernel, [-1, out]) as tf.Tensor2D;
  const before = u.read().reshape([1, out]) as tf.Tensor2D;
  const v = constant(() => unit(tf.matMul(matrix, before, false, true))) as tf.Tensor2D;
  const after = constant(() => unit(tf.matMul(v, matrix, true))) as tf.Tensor2D;
  if (training) u.write(constant(() => after.reshape([out])));
  const norm = tf.sum(tf.mul(tf.matMul(v, matrix, true), after));
  return tf.div(kernel, norm);
}

/** x / (‖x‖ + ε). */
const unit = (x: tf.Tensor): tf.Tensor => tf.div(x, tf.add(tf.sqrt(tf.sum(tf.square(x))), 1e-12));
