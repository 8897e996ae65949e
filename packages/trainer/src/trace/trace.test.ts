// Tracing against eager tfjs: what is recorded, and that nothing of tfjs is changed by it.
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { printProgram } from './program.js';
import { trace } from './trace.js';

describe('trace', () => {
  it('records', () => {
    const w = tf.variable(tf.ones([3, 2]), true, 'w');
    const t = trace(({ x }) => {
      const y = tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D).relu();
      w.assign(w.sub(0.5));
      return { y: y.sum(), w: w.mul(2) };
    }, { inputs: [{ name: 'x', dtype: 'float32', shape: [4, 3] }], variables: 'state' });
    console.log(printProgram(t.program), t.program.calls.map((c) => c.site));
  });
});
