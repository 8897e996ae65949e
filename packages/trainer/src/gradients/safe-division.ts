// tf.divNoNan is 0 where the denominator is 0, and both its derivatives are 0 there, as in TensorFlow (math_grad.py,
// _DivNoNanGrad). tfjs has no kernel for it: it divides and then selects, and the selection turns the infinite
// derivative of the division into NaN. The division is recognised by the op scope that it runs in.
import * as tf from '@tensorflow/tfjs';
import { watchTape } from '../tfjs/engine.js';
import { at, unbroadcast } from './tape.js';

/** tfjs's scope of the op. */
const SCOPE = 'divNoNan__op';

/**
 * Makes the derivatives of the division inside tf.divNoNan 0 where the denominator is 0. Returns a function that undoes
 * it.
 */
export function safeDivision(): () => void {
  return watchTape((node, { kernel, saved, scopes }) => {
    if (kernel !== 'RealDiv' || !scopes.includes(SCOPE)) return;
    const [a, b] = [at(saved, 0), at(saved, 1)];
    node.gradient = ([dy]) => {
      const slope = (): tf.Tensor => tf.divNoNan(dy as tf.Tensor, b); // one output
      return {
        a: () => unbroadcast(slope(), a.shape),
        b: () => unbroadcast(tf.mul(tf.neg(slope()), tf.divNoNan(a, b)), b.shape),
      };
    };
  });
}
