// Weights of more than 2 GiB: exported to an external file by default, loaded with the integrity check, and run. Takes
// 11 GB of memory.
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from '@forja/node';
import { exportOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

const WIDTH = 2500;
const LAYERS = 90;
const NEEDED = 14e9;

it('more than 2 GiB of weights are exported, loaded and run', async (context) => {
  if (freemem() < NEEDED) {
    console.warn(`skipped: ${Math.round(freemem() / 1e9)} GB of memory are free, ${NEEDED / 1e9} GB are wanted`);
    context.skip();
  }
  await tf.setBackend('cpu');
  const model = tf.sequential({
    layers: Array.from({ length: LAYERS }, (_, i) =>
      tf.layers.dense({
        units: WIDTH,
        useBias: false,
        kernelInitializer: 'zeros',
        ...(i === 0 ? { inputShape: [WIDTH] } : {}),
      }),
    ),
  });
  // Each layer rotates its input by its own number of places, so that every offset in the weight file affects the
  // result.
  for (const [i, variable] of model.weights.entries()) {
    const values = new Float32Array(WIDTH * WIDTH);
    for (let row = 0; row < WIDTH; row++) values[row * WIDTH + ((row + i) % WIDTH)] = 1;
    const tensor = tf.tensor2d(values, [WIDTH, WIDTH]);
    variable.write(tensor);
    tensor.dispose();
  }
  await expect(exportOnnx(model, { verify: false, externalData: false })).rejects.toMatchObject({
    code: 'model.unsupported',
  });
  const { model: bytes, external = new Map<string, Uint8Array>() } = await exportOnnx(model, { verify: false });
  model.dispose();
  expect(bytes.length).toBeLessThan(1e5);
  const folder = await mkdtemp(join(tmpdir(), 'forja-large-'));
  try {
    await writeFile(join(folder, 'm.onnx'), bytes);
    for (const [location, content] of external) {
      expect(content.length).toBeGreaterThan(2 ** 31);
      const file = await open(join(folder, location), 'w');
      await file.writeFile(content);
      await file.close();
    }
    external.clear();
    const generator = await load(join(folder, 'm.onnx'), { executor: 'inline' });
    const data = Float32Array.from({ length: WIDTH }, (_, i) => i);
    const [result] = Object.values(
      await generator.run({
        [generator.manifest.inputs[0]?.name ?? '']: { dtype: 'float32', shape: [1, WIDTH], data },
      }),
    );
    const turned = (LAYERS * (LAYERS - 1)) / 2;
    expect(Array.from(result?.data as Float32Array)).toEqual(
      Array.from({ length: WIDTH }, (_, i) => (((i - turned) % WIDTH) + WIDTH) % WIDTH),
    );
    await generator.dispose();
  } finally {
    await rm(folder, { recursive: true });
  }
});
