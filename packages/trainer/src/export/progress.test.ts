// A listener that fails ends an export with its own error, asynchronous or not, during traces and between stages.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { exportOnnx } from './export.js';
import { loadModelFiles } from './load-tfjs.js';
import type { ExportProgress } from './progress.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const failure = new Error('of the listener');

it.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw failure;
    },
  ],
  ['rejects', () => Promise.reject(failure)],
])('one that %s', async (_, fail) => {
  for (const stage of ['trace', 'rewrite', 'lower', 'seal'] satisfies ExportProgress['stage'][])
    await expect(
      exportOnnx((x: tf.Tensor) => tf.relu(x), {
        inputs: [{ name: 'x', shape: ['batch', 2] }],
        verify: false,
        onProgress: (event) => (event.stage === stage ? fail() : undefined),
      }),
    ).rejects.toBe(failure);
  const model = {
    format: 'layers-model',
    modelTopology: {},
    weightsManifest: [{ paths: ['a.bin'], weights: [{ name: 'w', shape: [1], dtype: 'float32' }] }],
  };
  const read = (path: string): Promise<Uint8Array> =>
    Promise.resolve(path === '' ? new TextEncoder().encode(JSON.stringify(model)) : new Uint8Array(4));
  await expect(loadModelFiles('model', read, { onProgress: fail })).rejects.toBe(failure);
  await new Promise(setImmediate); // a rejection that nobody handles fails the run
});
