// R2: a small gradient norm at fake examples. Mescheder et al. 2018, equation 10, where γ is the weight that the game
// applies.
import * as tf from '@tensorflow/tfjs';
import type { Penalty } from './penalty.js';
import { squaredSlopes } from './slope.js';

/** ½E‖∇D(G(z))‖². */
export const r2 = (): Penalty => ({
  name: 'r2',
  of: ({ judge, fake }) => tf.mul(tf.mean(squaredSlopes(judge, fake)), 0.5),
});
