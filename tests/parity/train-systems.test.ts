// Systems of several networks and phases through the whole of `train`: grids, checkpoints, a resume of the same bits
// (pools and whole numbers too), and files that are compared with tfjs.
import { runtime } from '@forja/node';
import { philoxUniform, readManifest, type Runtime } from '@forja/core';
import { MemoryStore, arrayDataset, train, type Dataset, type TrainConfig } from '@forja/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FULL } from '../sweeps.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const pictures = (stream: number, count: number, shape: number[]): { data: Float32Array; shape: number[] } => {
  const size = shape.reduce((a, b) => a * b, count);
  return { data: philoxUniform({ seed: 1, stream, step: 0 }, size).map((x) => 2 * x - 1), shape };
};

const common = { data: 'folder', steps: 6, batch: 2, sampleEvery: 3, sampleCount: 4, checkpointEvery: 3, seed: 3 };
const RUNS: Record<string, { config: object; dataset: Dataset; files: Record<string, string> }> = {
  'wgan-gp': {
    config: { base: 4, latent: 4, dSteps: 2 },
    dataset: arrayDataset({ name: 'noise', fields: { image: pictures(0, 10, [8, 8, 1]) } }),
    files: { 'generator.onnx': 'latent' },
  },
  resnet: {
    config: { base: 2, widest: 4, latent: 4, attention: 4, deviation: 2, distribution: 'uniform', output: 'sigmoid' },
    dataset: arrayDataset({ name: 'noise', fields: { image: pictures(0, 10, [8, 8, 3]) } }),
    files: { 'generator.onnx': 'latent' },
  },
  pix2pix: {
    config: { base: 4, dropout: 0.25 },
    dataset: arrayDataset({
      name: 'pairs',
      fields: { input: pictures(0, 10, [16, 8, 1]), target: pictures(1, 10, [16, 8, 3]) },
    }),
    files: { 'generator.onnx': 'image-to-image' },
  },
  stylegan: {
    config: {
      base: 2,
      widest: 4,
      latent: 4,
      style: 4,
      depth: 2,
      penalties: {},
      augment: 'ada',
      ada: { pictures: 100 },
    },
    dataset: arrayDataset({ name: 'noise', fields: { image: pictures(0, 10, [8, 8, 3]) } }),
    files: { 'generator.onnx': 'latent', 'synthesis.onnx': 'function' },
  },
  cyclegan: {
    config: { base: 4, blocks: 1, depthD: 1, pool: 4, schedule: 'constant' },
    dataset: arrayDataset({
      name: 'two sets',
      fields: {
        a: { ...pictures(0, 10, [16, 16, 3]), part: 'a' },
        b: { ...pictures(1, 7, [16, 16, 3]), part: 'b' },
      },
    }),
    files: { 'a-to-b.onnx': 'image-to-image', 'b-to-a.onnx': 'image-to-image' },
  },
};

describe.each(Object.entries(RUNS))('%s', (system, { config, dataset, files }) => {
  const run = async (rest: object = {}, checkpoint?: Uint8Array) => {
    const store = new MemoryStore();
    const all = { ...common, ...config, system, ...rest } as TrainConfig; // a system's name and its own options
    const result = await train(all, { dataset, store, runtime: host, ...(checkpoint ? { checkpoint } : {}) });
    return { ...result, store };
  };

  test('trains, writes grids, and exports files with manifests', async () => {
    const { store, models, exportError = NaN } = await run();
    expect(await store.samples()).not.toHaveLength(0);
    expect(Object.fromEntries(Object.entries(models ?? {}).map(([n, b]) => [n, readManifest(b)?.kind]))).toEqual(files);
    expect(exportError).toBeLessThan(1e-4);
  });

  // Between them they have pools, whole numbers, an adaptive augmentation and several phases.
  const resumed = FULL || ['stylegan', 'cyclegan'].includes(system);
  if (resumed)
    test('goes on from a checkpoint with the same bits', async () => {
      const whole = await run();
      const half = await run({ steps: 3 });
      const rest = await run({}, half.store.checkpoints.get(3));
      const last = (from: MemoryStore) => from.lines().then((lines) => lines.at(-1)?.scalars);
      expect(await last(rest.store)).toEqual(await last(whole.store));
      for (const [name, bytes] of Object.entries(whole.models ?? {})) expect(rest.models?.[name]).toEqual(bytes);
    });
});
