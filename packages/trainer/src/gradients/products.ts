// Matrix products, with batch axes that broadcast (stock gradients then have the wrong shape).
import * as tf from '@tensorflow/tfjs';
import { at, unbroadcast, type GradientTable } from './tape.js';

/** Gradients of matrix products. */
export const productGradients: GradientTable = {
  BatchMatMul: {
    inputs: ['a', 'b'],
    grad: (dy, saved, attrs) => {
      const [a, b] = [at(saved, 0), at(saved, 1)];
      const [ta, tb] = [attrs['transposeA'] === true, attrs['transposeB'] === true];
      return {
        a: () => unbroadcast(ta ? tf.matMul(b, dy, tb, true) : tf.matMul(dy, b, false, !tb), a.shape),
        b: () => unbroadcast(tb ? tf.matMul(dy, a, true, ta) : tf.matMul(a, dy, !ta, false), b.shape),
      };
    },
  },
};
