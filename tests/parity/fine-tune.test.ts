// Where a run may begin: networks of another system's checkpoint, and a model of the user's that is already trained.
import { philoxUniform, type NamedTensors, type Runtime } from '@forja/core';
import { load, runtime } from '@forja/node';
import { MemoryStore, arrayDataset, train, type TrainConfig, type TrainHost } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../packages/trainer/src/records/checkpoint.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const noise = (stream: number, shape: number[]): Float32Array =>
  philoxUniform(
    { seed: 1, stream, step: 0 },
    shape.reduce((a, b) => a * b, 1),
  ).map((x) => 2 * x - 1);
const image = { data: noise(0, [6, 8, 8, 1]), shape: [8, 8, 1], range: [-1, 1] as const };
const texts = arrayDataset({
  name: 'told',
  fields: {
    image,
    text: { data: Int32Array.from({ length: 6 }, (_, i) => i % 3), shape: [1], vocabulary: ['', 'a', 'b'] },
  },
});
const silent = arrayDataset({ name: 'silent', fields: { image } });
const common = { data: 'folder', batch: 2, sampleEvery: 0, sampleCount: 2, seed: 3 } as const;

/** State before the first step, the store, and warnings. */
async function begun(config: object, { dataset, ...rest }: TrainHost) {
  const [store, warnings] = [new MemoryStore(), [] as string[]];
  let first: NamedTensors = {};
  await train({ ...common, ...config } as TrainConfig, {
    ...(dataset === undefined ? {} : { dataset }),
    ...rest,
    store,
    runtime: host,
    onReady: async (run) => void (first = await run.state()),
    onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  });
  return { store, warnings, first };
}

test('a critic starts with the networks of another system, by name and shape; others are refused', async () => {
  const described = { system: 'text2image', base: 2, latent: 4, embedding: 4, norm: 'none', steps: 1 };
  const first = await begun(described, { dataset: texts });
  const start = first.store.checkpoints.get(1)!;
  const theirs = (await decodeCheckpoint(start)).state;
  const critic = { system: 'wgan-gp', base: 2, latent: 8, dSteps: 1, steps: 1 };
  const { first: own, warnings } = await begun(critic, { dataset: silent, start });
  expect(warnings[0]).toMatch(/^started with \d+ tensors of step 1 of 'text2image' \(networks g, d\)/);
  const weights = Object.keys(own).filter((name) => /^[gd]\/[^/]+\/\w+$/.test(name));
  expect(weights).toHaveLength(11); // g: dense and its norm (1 + 4), last (2); d: conv0, dense (2 + 2)
  for (const name of weights) expect(own[name], name).toEqual(theirs[name]);
  const fresh = await begun(critic, { dataset: silent });
  expect(fresh.first['g/dense/kernel']).not.toEqual(own['g/dense/kernel']);

  const wider = await begun({ system: 'dcgan', base: 4, latent: 8, steps: 1 }, { dataset: silent });
  await expect(begun(critic, { dataset: silent, start: wider.store.checkpoints.get(1)! })).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringMatching(/^config\.start: expected the network g of 'dcgan'.*'g\/dense\/kernel'/) as string,
  });
});

test('a model that tfjs trained is fine-tuned: the run begins where it stood, and exports it', async () => {
  const [count, edge] = [8, 8];
  const input = noise(1, [count, edge, edge, 1]);
  const target = input.map((v) => -0.5 * v);
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [edge, edge, 1], filters: 4, kernelSize: 3, padding: 'same', activation: 'tanh' }),
      tf.layers.conv2d({ filters: 1, kernelSize: 1 }),
    ],
  });
  const [x, y] = [input, target].map((data) => tf.tensor4d(data, [count, edge, edge, 1])) as [tf.Tensor4D, tf.Tensor4D];
  model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanAbsoluteError' });
  await model.fit(x, y, { epochs: 60, batchSize: count, shuffle: false, verbose: 0 });
  const predicted = (): Float32Array => tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync() as Float32Array);
  const before = predicted();
  const distance = before.reduce((sum, v, i) => sum + Math.abs(v - target[i]!), 0) / before.length;
  expect(distance).toBeLessThan(0.1); // 0.25 untrained

  const dataset = arrayDataset({
    name: 'pairs',
    fields: {
      input: { data: input, shape: [edge, edge, 1], range: [-1, 1] },
      target: { data: target, shape: [edge, edge, 1], range: [-1, 1] },
    },
  });
  const config = { ...common, system: 'pix2pix', baseD: 2, depthD: 1, batch: count, ema: 0, steps: 3 } as const;
  const { store, model: file } = await train({ ...config, rates: { g: 1e-3, d: 1e-3 } } as TrainConfig, {
    dataset,
    networks: { g: model },
    runtime: host,
  });
  const [line] = await store.lines();
  expect([line?.scalars['l1']]).toBeAllclose([distance], { rtol: 1e-4 });
  // trained in place, and the file is what it is now
  const after = predicted();
  expect(after).not.toEqual(before);
  const generator = await load(file!, { device: 'cpu', threads: 1 });
  const { image: made } = await generator.run({ input: { shape: [count, 1, edge, edge], data: input } });
  expect(made!.data as Float32Array).toBeAllclose(after, { rtol: 1e-4, atol: 1e-5 });
  await generator.dispose();
  tf.dispose([x, y]);
  model.dispose();
});
