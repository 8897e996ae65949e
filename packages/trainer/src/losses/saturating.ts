// The minimax loss of the original paper: the generator minimises log(1 − D(G(z))). Goodfellow et al. 2014, equation 1.
import * as tf from '@tensorflow/tfjs';
import { costOfFake, discriminatorCrossEntropy } from './cross-entropy.js';
import type { GanLoss } from './loss.js';

/**
 * D as in the non-saturating loss. G: E log(1 − σ(D(G(z)))) = −E softplus(D(G(z))), whose gradient vanishes where the
 * discriminator is sure.
 */
export const saturating: GanLoss = {
  name: 'saturating',
  crossEntropy: true,
  probability: (logits) => tf.sigmoid(logits),
  discriminator: discriminatorCrossEntropy,
  generator: (fake) => tf.neg(costOfFake(fake.logits)),
};
