// A kernel of a user's own in a training step: its lowering and its gradient are the user's, and the step does the same
// as with the same function made of tfjs's ops.
import { runtime } from '@forja/node';
import { compile, registerKernelExport, scalarOf, type CompiledStep } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';

const host = runtime({ device: 'cpu', threads: 1 });
let forget: () => void;

beforeAll(async () => {
  await tf.setBackend('cpu');
  tf.registerKernel({
    kernelName: 'OwnSwish',
    backendName: 'cpu',
    kernelFunc: (given) => {
      const [x, backend] = [given.inputs['x'] as tf.TensorInfo, given.backend as tf.KernelBackend];
      const values = backend.readSync(x.dataId) as Float32Array;
      const y = values.map((v) => v / (1 + Math.exp(-v)));
      return { dataId: backend.write(y, x.shape, 'float32'), shape: x.shape, dtype: 'float32' };
    },
  });
  forget = registerKernelExport('OwnSwish', ({ inputs, outputs: [y] }, ctx) => {
    const x = inputs['x'];
    if (x === undefined || Array.isArray(x) || y === undefined) throw new Error('expected one input and one output');
    const value = ctx.get(x);
    ctx.set(y, ctx.op('Mul', [value, ctx.op('Sigmoid', [value])]));
  });
});
afterAll(async () => {
  forget();
  tf.unregisterKernel('OwnSwish', 'cpu');
  await host.dispose();
});

const own = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel('OwnSwish', { x });
const ofOps = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(x));

/** A step of gradient descent on a loss with a penalty on its slope, which needs the second derivative. */
async function stepped(f: (x: tf.Tensor) => tf.Tensor, name: string): Promise<{ loss: number; weights: unknown }> {
  const w = tf.variable(tf.tensor2d([0.4, -0.9, 1.3, -0.2, 0.7, 2.1], [3, 2]), true, name);
  let step: CompiledStep | undefined;
  try {
    step = await compile(
      ({ x }) => {
        const of = (u: tf.Tensor): tf.Tensor => tf.sum(f(tf.matMul(u, w)));
        const objective = (): tf.Scalar =>
          tf.add(of(x as tf.Tensor), tf.sum(tf.square(tf.grad(of)(x as tf.Tensor)))).asScalar();
        const { value, grads } = tf.variableGrads(objective, [w]);
        w.assign(tf.sub(w, tf.mul(grads[w.name] as tf.Tensor, 0.1)));
        return { loss: value };
      },
      { runtime: host, inputs: { x: { shape: [2, 3] } }, variables: [w] },
    );
    const loss = scalarOf(await step.run({ x: Float32Array.of(0.5, -1, 0.25, 2, 0.1, -0.6) }), 'loss');
    return { loss, weights: (await step.state())[w.name]?.data };
  } finally {
    await step?.dispose();
    w.dispose();
  }
}

test('without a gradient it is refused by name', async () => {
  await expect(stepped(own, 'own')).rejects.toRefuse('gradient.unproven', 'OwnSwish', 'tf.registerGradient');
});

test('with a gradient the step, with its second derivatives, is that of the same function made of ops', async () => {
  tf.registerGradient({
    kernelName: 'OwnSwish',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({
      x: () => {
        const s = tf.sigmoid(x as tf.Tensor);
        return tf.mul(dy as tf.Tensor, tf.add(s, tf.mul(tf.mul(x as tf.Tensor, s), tf.sub(1, s))));
      },
    }),
  });
  try {
    const [made, wanted] = [await stepped(own, 'own'), await stepped(ofOps, 'ops')];
    expect([made.loss]).toBeAllclose([wanted.loss], { rtol: 1e-6, atol: 1e-6 });
    expect(made.weights).toBeAllclose(wanted.weights as Float32Array, { rtol: 1e-5, atol: 1e-6 });
  } finally {
    tf.unregisterGradient('OwnSwish');
  }
});
