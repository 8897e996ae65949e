// Binary cross-entropy on logits, the discriminator's loss of both classic GANs.
import * as tf from '@tensorflow/tfjs';
import type { Verdict } from './loss.js';

/**
 * Mean of −log(1 − σ(x)) = softplus(x): the cross-entropy of logits with the target "fake". Linear, not infinite, for
 * large x.
 */
export function costOfFake(logits: tf.Tensor): tf.Scalar {
  return tf.mean(tf.softplus(logits));
}

/** Mean of −log σ(x) = softplus(−x): the cross-entropy of logits with the target "real". */
export function costOfReal(logits: tf.Tensor): tf.Scalar {
  return tf.mean(tf.softplus(tf.neg(logits)));
}

/** −E log σ(D(x)) − E log(1 − σ(D(G(z)))). */
export function discriminatorCrossEntropy(real: Verdict, fake: Verdict): tf.Scalar {
  return tf.add(costOfReal(real.logits), costOfFake(fake.logits));
}
