// The critic's estimate of the Wasserstein distance (Arjovsky et al. 2017, algorithm 1). The critic must be kept
// smooth: by a gradient penalty, spectral normalisation, or weight clipping.
import * as tf from '@tensorflow/tfjs';
import type { GanLoss } from './loss.js';

/** D: E D(G(z)) − E D(x). G: −E D(G(z)). */
export const wasserstein: GanLoss = {
  name: 'wasserstein',
  signless: true,
  discriminator: (real, fake) => tf.sub(tf.mean(fake.logits), tf.mean(real.logits)),
  generator: (fake) => tf.neg(tf.mean<tf.Scalar>(fake.logits)),
};
