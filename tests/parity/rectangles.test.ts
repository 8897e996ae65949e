// Pictures that are not square, 8 × 16, in every system that draws pictures from latents by DCGAN's or residual
// networks: compiled against tfjs, and the exported file's pictures have the data's height and width.
import { load, runtime } from '@forja/node';
import { philoxUniform, type Runtime } from '@forja/core';
import { arrayDataset, makeSystem, MemoryStore, train, type SystemConfigs, type TrainConfig } from '@forja/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlayable } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const [HEIGHT, WIDTH, COUNT] = [8, 16, 12];

const dataset = arrayDataset({
  name: 'noise',
  fields: {
    image: {
      data: philoxUniform({ seed: 1, stream: 0, step: 0 }, COUNT * HEIGHT * WIDTH * 3).map((u) => 2 * u - 1),
      shape: [HEIGHT, WIDTH, 3],
    },
    label: { data: Int32Array.from({ length: COUNT }, (_, i) => i % 2), classes: ['a', 'b'] },
    text: {
      data: Int32Array.from({ length: 2 * COUNT }, (_, i) => 1 + (i % 3)),
      shape: [2],
      vocabulary: ['', 'red', 'blue', 'spot'],
    },
  },
});

/** Small networks, by system. */
const SYSTEMS = {
  dcgan: { base: 2, latent: 4, pool: 'avg' },
  'wgan-gp': { base: 2, latent: 4, dSteps: 1 },
  conditional: { base: 2, latent: 4, hidden: 4, hiddenD: 4 },
  resnet: { base: 2, widest: 4, latent: 4, attention: 4 },
  text2image: { base: 2, latent: 4, embedding: 3 },
} satisfies { [N in keyof SystemConfigs]?: SystemConfigs[N] };

describe.each(Object.entries(SYSTEMS))('%s', (name, options) => {
  test('three compiled iterations equal tfjs’s, and 50 stay finite', async () => {
    const system = makeSystem(name as 'dcgan', options as SystemConfigs['dcgan'], { batch: 2, seed: 2, data: dataset });
    await expectPlayable(system, host);
    system.dispose();
  });

  test('its file draws pictures of the data’s height and width', async () => {
    const config = { ...options, system: name, data: 'folder', steps: 2, batch: 2, sampleCount: 4 } as TrainConfig;
    const store = new MemoryStore();
    const { model, exportError } = await train(config, { dataset, store, runtime: host });
    expect(exportError).toBeLessThan(1e-4);
    const generator = await load(model!, { device: 'cpu' });
    const [condition] = name === 'text2image' ? [{ text: 'red spot' }] : [{}];
    const images = await generator.sample({ count: 3, seed: 1, ...condition });
    expect(images).toMatchObject({ count: 3, height: HEIGHT, width: WIDTH, channels: 3 });
    await generator.dispose();
  });
});
