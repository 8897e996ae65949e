// The least-squares loss with targets 0 and 1 (LSGAN, Mao et al. 2017, equation 9).
import * as tf from '@tensorflow/tfjs';
import type { GanLoss } from './loss.js';

/** D: ½E(D(x) − 1)² + ½E D(G(z))². G: ½E(D(G(z)) − 1)². */
export const leastSquares: GanLoss = {
  name: 'least-squares',
  discriminator: (real, fake) => tf.add(halfSquare(tf.sub(real.logits, 1)), halfSquare(fake.logits)),
  // Equation 5: at the optimum with these targets D(x) is p_data / (p_data + p_g) itself.
  probability: (logits) => tf.clipByValue(logits, 0, 1),
  generator: (fake) => halfSquare(tf.sub(fake.logits, 1)),
};

const halfSquare = (x: tf.Tensor): tf.Scalar => tf.mul(tf.mean(tf.square(x)), 0.5);
