// Exports a TensorFlow.js model to ONNX, and checks that plain onnxruntime (without Forja) computes the same as tfjs.
// node examples/export-tfjs/main.mjs [model.onnx]
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { exportOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

tf.enableProdMode(); // suppresses tfjs's advice to install a native backend

// A small generator, with weights and statistics changed from their initial values, as after training.
const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: 7 * 7 * 16, inputShape: [32], name: 'project' }),
    tf.layers.reshape({ targetShape: [7, 7, 16] }),
    tf.layers.conv2dTranspose({ filters: 8, kernelSize: 4, strides: 2, padding: 'same', useBias: false, name: 'up1' }),
    tf.layers.batchNormalization({ name: 'norm1' }),
    tf.layers.leakyReLU({ alpha: 0.2 }),
    tf.layers.conv2dTranspose({
      filters: 1,
      kernelSize: 4,
      strides: 2,
      padding: 'same',
      activation: 'tanh',
      name: 'up2',
    }),
  ],
});
model.setWeights(model.getWeights().map((w, i) => w.mul(tf.randomUniform(w.shape, 0.5, 1.5, 'float32', i)).add(0.05)));

const { model: bytes, report } = await exportOnnx(model, {
  inputs: [{ name: 'z', role: 'latent', shape: ['batch', 32] }],
  outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
  layout: { outputs: 'nchw' }, // tfjs has NHWC; most other runtimes prefer NCHW
});
assert.equal(report.verified, 'passed'); // by Forja itself: several seeds, and a batch size that was not traced
console.log(
  `${report.nodes} nodes (${Object.keys(report.ops).join(', ')}), ${report.bytes} bytes, inputs ` +
    `${report.inputs.map((i) => `${i.name} [${i.shape}]`)}`,
);

const session = await InferenceSession.create(bytes);
let worst = 0;
for (const count of [1, 5]) {
  const z = tf.randomNormal([count, 32], 0, 1, 'float32', count);
  const expected = model.predict(z).transpose([0, 3, 1, 2]);
  const { image } = await session.run({ z: new Tensor('float32', z.dataSync(), [count, 32]) });
  assert.deepEqual(image.dims, expected.shape);
  const values = expected.dataSync();
  worst = image.data.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i])), worst);
}
await session.release();
assert.ok(worst <= 1e-5, `expected tfjs's numbers within 1e-5, got a difference of ${worst}`);

if (process.argv[2]) await writeFile(process.argv[2], bytes);
console.log(`ok: onnxruntime and tfjs differ by at most ${worst.toExponential(1)}`);
