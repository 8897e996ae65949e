// Consistency regularisation: the discriminator should say the same of a real picture and of the picture augmented.
// Zhang et al. 2020 (CR-GAN, arXiv 1910.12027), equation 2, on logits.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Penalty } from './penalty.js';

/** E(D(x) − D(T(x)))², with T the augmentation of the game. */
export const consistency = (): Penalty => ({
  name: 'consistency',
  pictures: true,
  of: ({ judge, plain = judge, augment, real }) => {
    if (augment === undefined)
      throw new UsageError('consistency: expected augment beside judge and real, got none; it says what T is', {
        code: 'config.invalid',
      });
    return tf.mean(tf.square(tf.sub(plain(real), plain(augment(real)))));
  },
});
