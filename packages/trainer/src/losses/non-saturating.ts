// The non-saturating GAN loss: the generator maximises log D(G(z)). Goodfellow et al. 2014, section 3, last paragraph.
import * as tf from '@tensorflow/tfjs';
import { costOfReal, discriminatorCrossEntropy } from './cross-entropy.js';
import type { GanLoss } from './loss.js';

/**
 * D: −E log σ(D(x)) − E log(1 − σ(D(G(z)))). G: −E log σ(D(G(z))), whose gradient is largest where the discriminator is
 * surest.
 */
export const nonSaturating: GanLoss = {
  name: 'non-saturating',
  crossEntropy: true,
  probability: (logits) => tf.sigmoid(logits),
  discriminator: discriminatorCrossEntropy,
  generator: (fake) => costOfReal(fake.logits),
};
