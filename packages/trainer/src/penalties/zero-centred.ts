// The zero-centred gradient penalty on lines between real and fake examples. Thanh-Tung et al. 2019, equation 8.
import * as tf from '@tensorflow/tfjs';
import type { Penalty } from './penalty.js';
import { interpolates, squaredSlopes } from './slope.js';

/** E‖∇D(x̂)‖² at x̂ = ε·x + (1 − ε)·G(z). */
export const zeroCentred = (): Penalty => ({
  name: 'zero-centred',
  of: (at) => tf.mean(squaredSlopes(at.judge, interpolates(at))),
});
