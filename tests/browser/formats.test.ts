// Forms of a file in Chromium: half precision on WASM, and on WebGPU where the adapter has shader-f16; weights in a file of their own.
import { tensor } from '@forja/core';
import { decodeModel, encodeModel, externalizeModel, toHalf } from '@forja/core/onnx';
import { runtime } from '@forja/web';
import { expect, test } from 'vitest';
import { tinyGenerator } from './models.js';

/** Why WebGPU cannot run half precision here, if it cannot. */
async function withoutHalf(): Promise<string | undefined> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return 'no WebGPU adapter';
  return adapter.features.has('shader-f16') ? undefined : `the adapter (${adapter.info.vendor} ${adapter.info.architecture}) has no shader-f16`;
}

test.each(['wasm', 'webgpu'] as const)('%s: 45 dB or more of float32', async (device) => {
  const reason = device === 'webgpu' ? await withoutHalf() : undefined;
  if (reason !== undefined) {
    console.warn(`skipped: half precision on WebGPU: ${reason}`);
    return;
  }
  const rt = runtime({ device });
  try {
    const full = tinyGenerator(8);
    const half = encodeModel(toHalf(decodeModel(full)));
    const latent = tensor('float32', [3, 8], Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)));
    const pictures: Float32Array[] = [];
    for (const model of [full, half]) {
      const session = await rt.createSession(model);
      const { image } = await session.run({ latent });
      pictures.push(image?.data as Float32Array); // declared so in the model
      expect(session.device.actual).toBe(device);
      await session.dispose();
    }
    const [a, b] = pictures as [Float32Array, Float32Array]; // two models
    const noise = a.reduce((sum, v, i) => sum + (v - (b[i] ?? NaN)) ** 2, 0) / a.length;
    expect(noise).toBeGreaterThan(0);
    expect(10 * Math.log10((Math.max(...a) - Math.min(...a)) ** 2 / noise)).toBeGreaterThan(45);
  } finally {
    await rt.dispose();
  }
});

test.each(['wasm', 'webgpu'] as const)('%s: weights in a file of their own give the same bits', async (device) => {
  const rt = runtime({ device });
  try {
    const full = tinyGenerator(8);
    const { model, external } = externalizeModel(decodeModel(full), { least: 64 });
    expect([...external].map(([name, bytes]) => [name, bytes.length > 4096])).toEqual([['model.onnx.data', true]]);
    const latent = tensor('float32', [2, 8], Float32Array.from({ length: 16 }, (_, i) => Math.cos(i)));
    const pictures: unknown[] = [];
    for (const [bytes, options] of [[full, {}], [encodeModel(model), { external }]] as const) {
      const session = await rt.createSession(bytes, options);
      pictures.push((await session.run({ latent }))['image']?.data);
      await session.dispose();
    }
    expect(pictures[1]).toEqual(pictures[0]);
    await expect(rt.createSession(encodeModel(model))).rejects.toMatchObject({ code: 'model.notFound' });
  } finally {
    await rt.dispose();
  }
});
