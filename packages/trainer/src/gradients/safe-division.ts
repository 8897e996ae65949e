// tf.divNoNan is 0 where the denominator is 0, and both its derivatives are 0 there, as in TensorFlow (math_grad.py,
// _DivNoNanGrad). tfjs has no kernel for it: it divides and then selects, and the selection turns the infinite
// derivative of the division into NaN. The division is recognised by the op scope that it runs in.
import * as tf from '@tensorflow/tfjs';
import { override } from '../tfjs/engine.js';
import { at, unbroadcast } from './tape.js';

/** tfjs's scope of the op. */
const SCOPE = 'divNoNan__op';

/** What the tape records of a call. Private in tfjs's types, but a plain method of its engine. */
interface Taping {
  state: {
    activeTape: { gradient?: (dys: readonly tf.Tensor[]) => Record<string, () => tf.Tensor> }[];
    scopeStack: readonly { name: string }[];
  };
  addTapeNode: (
    kernel: string,
    inputs: Readonly<Record<string, tf.Tensor>>,
    outputs: tf.Tensor[],
    gradient: unknown,
    saved: tf.Tensor[],
    attrs: object,
  ) => void;
}

/**
 * Makes the derivatives of the division inside tf.divNoNan 0 where the denominator is 0. Returns a function that undoes
 * it.
 */
export function safeDivision(): () => void {
  return override(
    tf.engine() as unknown as Taping,
    'addTapeNode',
    (original) =>
      function (this: Taping, kernel, inputs, outputs, gradient, saved, attrs) {
        original.call(this, kernel, inputs, outputs, gradient, saved, attrs);
        const node = this.state.activeTape.at(-1);
        if (kernel !== 'RealDiv' || node === undefined || !this.state.scopeStack.some(({ name }) => name === SCOPE))
          return;
        const [a, b] = [at(saved, 0), at(saved, 1)];
        node.gradient = ([dy]) => {
          const slope = (): tf.Tensor => tf.divNoNan(dy as tf.Tensor, b); // one output
          return {
            a: () => unbroadcast(slope(), a.shape),
            b: () => unbroadcast(tf.mul(tf.neg(slope()), tf.divNoNan(a, b)), b.shape),
          };
        };
      },
  );
}
