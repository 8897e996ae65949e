// The hinge loss (Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17).
import * as tf from '@tensorflow/tfjs';
import type { GanLoss } from './loss.js';

/** D: E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))). G: −E D(G(z)). */
export const hinge: GanLoss = {
  name: 'hinge',
  discriminator: (real, fake) =>
    tf.add(tf.mean<tf.Scalar>(tf.relu(tf.sub(1, real.logits))), tf.mean(tf.relu(tf.add(1, fake.logits)))),
  generator: (fake) => tf.neg(tf.mean<tf.Scalar>(fake.logits)),
};
