// Exports a model with a custom kernel (StyleGAN's bias_act: bias, leaky ReLU and gain in one), and checks that the
// file computes the same. node examples/custom-kernel/main.mjs
import assert from 'node:assert/strict';
import { exportOnnx, registerKernelExport } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

tf.enableProdMode(); // suppresses tfjs's advice to install a native backend

// The kernel in tfjs. The exporter runs it to get the shape of the result, and to verify the exported file.
tf.registerKernel({
  kernelName: 'BiasAct',
  backendName: 'cpu',
  kernelFunc: ({ inputs: { x, bias }, attrs: { alpha, gain }, backend }) => {
    const [values, biases] = [backend.readSync(x.dataId), backend.readSync(bias.dataId)];
    const act = (v) => gain * (v < 0 ? alpha * v : v);
    return {
      dataId: backend.write(
        values.map((v, i) => act(v + biases[i % biases.length])),
        x.shape,
        'float32',
      ),
      shape: x.shape,
      dtype: 'float32',
    };
  },
});

// The kernel in ONNX. `order` is the current axis order (channels first after a convolution), which is kept.
registerKernelExport('BiasAct', ({ inputs, attrs, outputs }, ctx) => {
  const order = ctx.layoutOf(inputs.x);
  const sum = ctx.op('Add', [ctx.get(inputs.x, order), ctx.broadcast(inputs.bias, inputs.x.rank, order)]);
  const act = ctx.op('LeakyRelu', [sum], { alpha: attrs.alpha });
  ctx.set(outputs[0], ctx.op('Mul', [act, ctx.scalar(attrs.gain)]), order);
});

const biasAct = (x, bias) => tf.engine().runKernel('BiasAct', { x, bias }, { alpha: 0.2, gain: Math.SQRT2 });

// Two layers of a synthesis network that use the kernel.
const [first, second] = [
  tf.randomNormal([3, 3, 4, 8], 0, 0.2, 'float32', 1),
  tf.randomNormal([3, 3, 8, 3], 0, 0.2, 'float32', 2),
];
const [b1, b2] = [tf.randomNormal([8], 0, 0.5, 'float32', 3), tf.randomNormal([3], 0, 0.5, 'float32', 4)];
const synthesis = (x) => biasAct(tf.conv2d(biasAct(tf.conv2d(x, first, 1, 'same'), b1), second, 1, 'same'), b2);

const { model, report } = await exportOnnx(synthesis, {
  inputs: [{ name: 'x', shape: ['batch', 'height', 'width', 4] }],
  outputs: [{ name: 'y' }],
});
assert.equal(report.verified, 'passed');
assert.equal(report.transposes, 2); // only at the file's input and output, not between convolution and kernel
console.log(report.ops);

const x = tf.randomNormal([2, 5, 7, 4], 0, 1, 'float32', 5);
const session = await InferenceSession.create(model);
const { y } = await session.run({ x: new Tensor('float32', x.dataSync(), [2, 5, 7, 4]) });
await session.release();
const expected = synthesis(x);
const values = expected.dataSync();
const worst = y.data.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i])), 0);
assert.deepEqual(y.dims, expected.shape);
assert.ok(worst <= 1e-5, `expected the kernel's numbers within 1e-5, got a difference of ${worst}`);
console.log(`ok: the file and the kernel differ by at most ${worst.toExponential(1)}`);
