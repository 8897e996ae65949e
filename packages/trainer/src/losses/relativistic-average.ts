// The relativistic average GAN with cross-entropy: is an example more real than the average of the other kind?
// Jolicoeur-Martineau 2019, equations 13 to 15 (RaSGAN).
import * as tf from '@tensorflow/tfjs';
import { costOfFake, costOfReal } from './cross-entropy.js';
import type { GanLoss, Verdict } from './loss.js';

/**
 * D: −E log σ(D(x) − E D(G(z))) − E log(1 − σ(D(G(z)) − E D(x))). G: the same with real and fake exchanged.
 */
export const relativisticAverage: GanLoss = {
  name: 'relativistic-average',
  relativistic: true,
  discriminator: cost,
  generator: cost,
};

function cost(above: Verdict, below: Verdict): tf.Scalar {
  return tf.add(
    costOfReal(tf.sub(above.logits, tf.mean(below.logits))),
    costOfFake(tf.sub(below.logits, tf.mean(above.logits))),
  );
}
