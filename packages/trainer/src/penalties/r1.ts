// R1: a small gradient norm at real examples. Mescheder et al. 2018, equation 9, where γ is the weight that the game
// applies.
import * as tf from '@tensorflow/tfjs';
import type { Penalty } from './penalty.js';
import { squaredSlopes } from './slope.js';

/** ½E‖∇D(x)‖². */
export const r1 = (): Penalty => ({
  name: 'r1',
  of: ({ judge, real }) => tf.mul(tf.mean(squaredSlopes(judge, real)), 0.5),
});
