// The contract of an adversarial loss: pure functions of logits. One loss a file; table.ts names them.
import type * as tf from '@tensorflow/tfjs';

/**
 * What the discriminator and the generator minimise, given the discriminator's logits [n, 1]. Scalars out; finite for
 * logits of any size.
 */
export interface GanLoss {
  readonly name: string;
  /**
   * `smoothing` moves the target of real examples from 1 to 1 − smoothing (one-sided, Salimans et al. 2016); a number
   * in [0, 1).
   */
  discriminator(real: tf.Tensor, fake: tf.Tensor, smoothing?: number): tf.Scalar;
  generator(fake: tf.Tensor): tf.Scalar;
}
