// The relativistic pairing loss: each fake against one real example. Jolicoeur-Martineau 2019, section 4.1 (RSGAN);
// Huang et al. 2024 (R3GAN), equation 2, who show that it converges with R1 and R2.
import * as tf from '@tensorflow/tfjs';
import { costOfReal } from './cross-entropy.js';
import type { GanLoss, Verdict } from './loss.js';

/** D: −E log σ(D(x) − D(G(z))), where x and z of the same index form a pair. G: −E log σ(D(G(z)) − D(x)). */
export const rpgan: GanLoss = {
  name: 'rpgan',
  relativistic: true,
  discriminator: cost,
  generator: cost,
};

function cost(above: Verdict, below: Verdict): tf.Scalar {
  return costOfReal(tf.sub(above.logits, below.logits));
}
