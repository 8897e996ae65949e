// Binary cross-entropy on logits, the discriminator's loss of both classic GANs.
import * as tf from '@tensorflow/tfjs';

/**
 * Mean of −log(1 − σ(x)) = softplus(x): what a logit costs where the right answer is "fake". Linear, not infinite, for
 * large x.
 */
export function costOfFake(logits: tf.Tensor): tf.Scalar {
  return tf.mean(tf.softplus(logits));
}

/** Mean of −log σ(x) = softplus(−x): what a logit costs where the right answer is "real". */
export function costOfReal(logits: tf.Tensor): tf.Scalar {
  return tf.mean(tf.softplus(tf.neg(logits)));
}

/**
 * −(1 − s)·log σ(real) − s·log(1 − σ(real)) − log(1 − σ(fake)), each a mean; the first two are softplus(−real) +
 * s·real.
 */
export function discriminatorCrossEntropy(real: tf.Tensor, fake: tf.Tensor, smoothing = 0): tf.Scalar {
  const onReal =
    smoothing === 0 ? costOfReal(real) : tf.add<tf.Scalar>(costOfReal(real), tf.mul(tf.mean(real), smoothing));
  return tf.add(onReal, costOfFake(fake));
}
