// Generators whose pictures change with the others of a batch: refused, since loaded generators split and join batches.
import type { Runtime } from '@forja/core';
import { load, runtime } from '@forja/node';
import { exportOnnx, type ExportFunction, type ExportOptions } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

const weights = tf.tensor2d(
  Array.from({ length: 24 }, (_, i) => Math.sin(7 * i)),
  [2, 12],
);
const layer = (z: tf.Tensor): tf.Tensor => tf.matMul(z as tf.Tensor2D, weights as tf.Tensor2D);
const picture = (y: tf.Tensor): tf.Tensor => tf.reshape(tf.tanh(y), [-1, 2, 2, 3]);

async function exported(
  fn: ExportFunction,
  role: 'latent' | 'tensor' = 'latent',
  options: Partial<ExportOptions> = {},
): Promise<Uint8Array> {
  const inputs: ExportOptions['inputs'] = [{ name: 'z', shape: ['n', 2], role }];
  const { model } = await exportOnnx(fn, {
    inputs,
    outputs: [{ role: 'image' }],
    verify: { runtime: onnx },
    ...options,
  });
  return model;
}

const moments = (y: tf.Tensor): tf.Tensor => {
  const { mean, variance } = tf.moments(y, 0);
  return tf.batchNorm(y as tf.Tensor2D, mean as tf.Tensor1D, variance as tf.Tensor1D, undefined, undefined, 1e-3);
};

it.each<[string, (y: tf.Tensor) => tf.Tensor]>([
  ['the statistics of a batch', moments],
  ['the mean of a batch', (y) => tf.sub(y, tf.mean(y, 0))],
  ['the greatest number of a batch', (y) => tf.div(y, tf.max(tf.abs(y)))],
  ['a shuffled batch', (y) => tf.add(y, tf.reverse(y, 0))],
  ['a sum along a batch', (y) => tf.cumsum(tf.reverse(y, 0), 0)],
])('%s in a generator is refused, with the way out', async (_, mix) => {
  const fn: ExportFunction = (z) => picture(mix(layer(z as tf.Tensor)));
  await expect(exported(fn)).rejects.toRefuse('export.unsupported', 'latents alone', 'training: false', "'tensor'");
  const generator = await load(await exported(fn, 'tensor'));
  const z = Float32Array.of(0.5, -1, 2, 0.25);
  const { data } = Object.values(await generator.run({ z }))[0]!;
  expect(data).toBeAllclose(await (fn(tf.tensor2d(z, [2, 2])) as tf.Tensor).data(), { atol: 1e-5 });
  await generator.dispose();
});

it.each<[string, (y: tf.Tensor) => tf.Tensor]>([
  ['a norm over the features', (y) => tf.sub(y, tf.mean(y, 1, true))],
  ['the number of a batch', (y) => tf.mul(y, tf.onesLike(y))],
  ['a batch norm with fixed statistics', (y) => tf.batchNorm(y as tf.Tensor2D, tf.zeros([12]), tf.ones([12]))],
])('%s in a generator is exported', async (_, keep) => {
  const generator = await load(await exported((z) => picture(keep(layer(z as tf.Tensor)))));
  const many = await generator.sample({ seed: 5, count: 3 });
  const one = await generator.sample({ seed: 5, count: 1 });
  expect([...many.data.slice(0, 12)]).toEqual([...one.data]);
  await generator.dispose();
});

it('groups of a batch are kept together, if the batch is a multiple of them', async () => {
  const grouped: ExportFunction = (z) => {
    const y = tf.reshape(layer(z as tf.Tensor), [-1, 2, 12]);
    return picture(tf.reshape(tf.sub(y, tf.mean(y, 1, true)), [-1, 12]));
  };
  expect((await exported(grouped)).length).toBeGreaterThan(0);
});
