// Formats of a file in Chromium: half precision on WASM, and on WebGPU if the adapter has shader-f16; external weights.
import { tensor, type DeviceReport } from '@forja/core';
import { decodeModel, encodeModel, expandWeights, externalizeModel, storeWeights, toHalf } from '@forja/core/onnx';
import { load, runtime } from '@forja/web';
import type { LoadOptions } from '@forja/web';
import { describe, expect, test } from 'vitest';
import { tinyGenerator } from './models.js';
import { withWorkers } from './with-workers.js';

/** Why WebGPU cannot run half precision here, if it cannot. */
async function withoutHalf(): Promise<string | undefined> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return 'no WebGPU adapter';
  return adapter.features.has('shader-f16')
    ? undefined
    : `the adapter (${adapter.info.vendor} ${adapter.info.architecture}) has no shader-f16`;
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
    const latent = tensor(
      'float32',
      [3, 8],
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    );
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

test.each(['wasm', 'webgpu'] as const)(
  '%s: weights stored in 8 bits and half precision are float32 ones',
  async (device) => {
    if (device === 'webgpu' && !(await navigator.gpu?.requestAdapter())) {
      console.warn('skipped: stored weights on WebGPU: no WebGPU adapter');
      return;
    }
    for (const type of device === 'wasm' ? (['int8', 'uint8', 'fp16'] as const) : (['uint8'] as const)) {
      const { model, weights } = storeWeights(decodeModel(tinyGenerator(8)), { type, least: 16 });
      expect(weights.length).toBeGreaterThan(0);
      const stored = await drawn({ device, precision: 'auto', strict: true }, encodeModel(model));
      const float = await drawn({ device, precision: 'auto', strict: true }, encodeModel(expandWeights(model)));
      expect(stored.device).toMatchObject({ actual: device, cpuOps: [] });
      expect(stored.floats).toEqual(float.floats);
    }
  },
);

/** One picture's floats of the small generator, and the device that made it. */
async function drawn(
  options: LoadOptions,
  model = tinyGenerator(8),
): Promise<{ floats: Float32Array; device: DeviceReport }> {
  const generator = await load(model, { threads: 1, ...options });
  const { image } = await generator.run({ latent: Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)) });
  const { device } = generator;
  await generator.dispose();
  return { floats: image?.data as Float32Array, device }; // declared so in the model
}

describe("precision: 'fp16'", () => {
  test('does not convert a float32 file without support, and says why', async () => {
    const wasm = await drawn({ device: 'wasm', precision: 'fp16' });
    expect(wasm.device.reasons).toContain('precision: fp32, because WASM computes in float32');
    expect(wasm.floats).toEqual((await drawn({ device: 'wasm' })).floats);
    const half = encodeModel(toHalf(decodeModel(tinyGenerator(8))));
    expect((await drawn({ device: 'wasm', precision: 'fp16' }, half)).device.reasons.join()).not.toMatch(/precision/);
    expect((await drawn({ device: 'wasm', precision: 'fp32' }, half)).device.reasons.join()).toMatch(/precision: fp16/);
    for (const [precision, model] of [['fp16'], ['fp32', half]] as const)
      await expect(drawn({ device: 'wasm', precision, strict: true }, model)).rejects.toMatchObject({
        code: 'device.unavailable',
      });
    await expect(drawn({ device: 'wasm', expect: { precision: 'fp32' } }, half)).rejects.toMatchObject({
      code: 'usage',
    });
    await drawn({ device: 'wasm', expect: { precision: 'fp16' } }, half);
  });

  test('converts on an adapter with shader-f16, and on no other', async () => {
    const missing = await withoutHalf();
    if (missing === 'no WebGPU adapter') return void console.warn(`skipped: precision fp16 on WebGPU: ${missing}`);
    const [asked, plain] = [await drawn({ device: 'webgpu', precision: 'fp16' }), await drawn({ device: 'webgpu' })];
    if (missing === undefined) return expect(asked.device.precision).toBe('fp16');
    expect(asked.device).toMatchObject({
      actual: 'webgpu',
      reasons: [expect.stringMatching(/^precision: fp32, because the adapter \(.*\) has no shader-f16$/)],
    });
    expect(asked.device.precision).toBeUndefined();
    expect(asked.floats).toEqual(plain.floats);
  });

  test('an adapter that falsely claims support is detected by the check', async () => {
    const missing = await withoutHalf();
    if (missing === undefined || missing === 'no WebGPU adapter')
      return void console.warn(`skipped: an adapter that lies: ${missing ?? 'this one has shader-f16'}`);
    await withWorkers(
      (url) => `${url}#half`,
      async () => {
        const { floats, device } = await drawn({ device: 'webgpu', precision: 'fp16', assets: '/__forja/faulty/' });
        expect(device).toMatchObject({
          actual: 'webgpu',
          reasons: [
            expect.stringMatching(
              /^precision: fp32, because (half precision gives|the check failed|.* would run on the CPU)/,
            ),
          ],
        });
        expect(floats).toBeAllclose([...(await drawn({ device: 'webgpu' })).floats], { atol: 1e-6 });
      },
    );
  });
});

test.each(['wasm', 'webgpu'] as const)('%s: external weights give the same bits', async (device) => {
  const rt = runtime({ device });
  try {
    const full = tinyGenerator(8);
    const { model, external } = externalizeModel(decodeModel(full), { least: 64 });
    expect([...external].map(([name, bytes]) => [name, bytes.length > 4096])).toEqual([['model.onnx.data', true]]);
    const latent = tensor(
      'float32',
      [2, 8],
      Float32Array.from({ length: 16 }, (_, i) => Math.cos(i)),
    );
    const pictures: unknown[] = [];
    for (const [bytes, options] of [
      [full, {}],
      [encodeModel(model), { external }],
    ] as const) {
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
