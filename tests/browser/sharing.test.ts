// Models that share a worker in Chromium, what is left when they are gone, handles that are dropped, and the executor
// in the page's own thread.
import { tensor } from '@forja/core';
import { decodeModel, encodeModel, fastConvolutions, GraphBuilder } from '@forja/core/onnx';
import { load, runtime } from '@forja/web';
import type { LoadOptions } from '@forja/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { runningMean, tinyGenerator } from './models.js';

const model = tinyGenerator();
const options: LoadOptions = { device: 'wasm', threads: 1 };
/** The browser tells of a worker's end a moment after it. */
const workersAre = (count: number): Promise<void> =>
  expect.poll(() => commands.workers(), { timeout: 60_000 }).toBe(count);
/** Those that are there: none, once what ran before is gone. */
const workersBefore = async (): Promise<number> => workersAre(0).then(() => 0);

describe('load', () => {
  test('with the same options shares a worker; the last dispose ends it', async () => {
    const before = await workersBefore();
    const [a, b] = await Promise.all([load(model, options), load(model, options)]);
    const c = await load(model, options);
    await workersAre(before + 1);
    expect((await b.sample({ seed: 3 })).data).toEqual((await a.sample({ seed: 3 })).data);
    expect([a.stats(), b.stats(), c.stats()]).toMatchObject([
      { runs: 1, images: 1, sessions: 1, queued: 0, modelBytes: model.length },
      { runs: 1, images: 1 },
      { runs: 0, images: 0 },
    ]);
    await Promise.all([a.dispose(), a.dispose(), c.dispose()]);
    expect(a.stats().sessions).toBe(0);
    await workersAre(before + 1);
    expect((await b.sample()).count).toBe(1);
    await b.dispose();
    await workersAre(before);
  });

  test('with other options has a worker of its own', async () => {
    const before = await workersBefore();
    const both = await Promise.all([load(model, options), load(model, { ...options, timeoutMs: 60_000 })]);
    await workersAre(before + 2);
    await Promise.all(both.map((generator) => generator.dispose()));
    await workersAre(before);
  });

  test('that fails or is aborted leaves no worker', async () => {
    const before = await workersBefore();
    await expect(load(model, { ...options, precision: 'int4' as never })).rejects.toMatchObject({ code: 'usage' });
    await expect(load(new TextEncoder().encode('no model'), options)).rejects.toMatchObject({ code: 'model.format' });
    await workersAre(before);
    const control = new AbortController();
    const loading = load(model, { ...options, signal: control.signal });
    setTimeout(() => control.abort());
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    await workersAre(before);
  });
});

describe('handles that are dropped', () => {
  const said: string[] = [];
  beforeAll(() => {
    const { warn } = console;
    console.warn = (...parts: unknown[]) =>
      void (String(parts[0]).includes('dropped') ? said.push(String(parts[0])) : warn(...parts));
    return () => void (console.warn = warn);
  });
  const { gc } = globalThis as { gc?: () => void }; // Chromium is started with --expose-gc
  const collected = async (done: () => boolean | Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 1000 && !(await done()); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20)); // what `done` looked at is kept until its turn ends
      gc?.();
    }
  };

  test('warn once a place, saying where they were made, and end their worker', async () => {
    expect(gc).toBeTypeOf('function');
    const before = await workersBefore();
    const careless = async (): Promise<void> => {
      const generator = await load(model, options);
      await generator.sample();
    };
    for (let i = 0; i < 2; i++) await careless();
    await collected(async () => (await commands.workers()) === before);
    await workersAre(before);
    await collected(() => said.length > 0);
    expect(said).toEqual([
      expect.stringMatching(
        /^@forja\/web: a generator was dropped without dispose\(\).*It was made at careless \(.*sharing\.test\.ts/,
      ),
    ]);
  });

  test('say nothing when they were disposed of', async () => {
    said.length = 0;
    const refs: WeakRef<object>[] = [];
    const careful = async (): Promise<void> => {
      const generator = await load(model, options);
      refs.push(new WeakRef(generator));
      await generator.dispose();
      const rt = runtime({ device: 'wasm', threads: 1 });
      refs.push(new WeakRef(rt), new WeakRef(await rt.createSession(model)));
      await rt.dispose();
    };
    await careful();
    await collected(() => refs.every((ref) => ref.deref() === undefined));
    expect([refs.map((ref) => ref.deref() === undefined), said]).toEqual([[true, true, true], []]);
  });
});

describe("executor 'inline'", () => {
  test('gives the bits of the worker, in this thread', async () => {
    const before = await workersBefore();
    const inline = await load(model, { ...options, executor: 'inline' });
    await workersAre(before);
    expect(inline.device).toMatchObject({ actual: 'wasm', executor: 'inline', threads: 1, placement: { cpu: 5 } });
    const worker = await load(model, options);
    expect((await inline.sample({ count: 3, seed: 4 })).data).toEqual(
      (await worker.sample({ count: 3, seed: 4 })).data,
    );
    await Promise.all([inline.dispose(), worker.dispose()]);
    await expect(inline.sample()).rejects.toMatchObject({ code: 'disposed' });
  });

  test('keeps state, refuses WebGPU, and says why it has none', async () => {
    const rt = runtime({ device: 'auto', executor: 'inline' });
    expect((await rt.ready()).reasons.join()).toMatch(/webgpu: only in a worker/);
    const session = await rt.createSession(runningMean(), {
      state: {
        total: { output: 'total_next', initial: tensor('float32', [3], new Float32Array(3)) },
        count: { output: 'count_next', initial: tensor('int64', [], new BigInt64Array(1)) },
      },
    });
    await session.run({ x: tensor('float32', [3], Float32Array.of(1, 2, 3)) });
    expect([...((await session.readState())['total']?.data as Float32Array)]).toEqual([1, 2, 3]);
    await rt.dispose();
    await expect(runtime({ device: 'webgpu', executor: 'inline' }).ready()).rejects.toMatchObject({
      code: 'device.unavailable',
    });
  });
});

describe("lowering: 'auto'", () => {
  /**
   * latent [batch, 16] → 64 channels of 8 × 8 → transposed conv → 16 × 16: one whose products are priced below the
   * node.
   */
  function convolving(): Uint8Array {
    let state = 7;
    const values = (count: number, scale: number): Float32Array =>
      Float32Array.from(
        { length: count },
        () => (((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24 - 0.5) * scale,
      );
    const g = new GraphBuilder({ name: 'convolving' });
    const dense = g.op('MatMul', [
      g.input('latent', 'float32', ['batch', 16]),
      g.constant('float32', [16, 256 * 64], values(16 * 256 * 64, 1)),
    ]);
    const maps = g.op('Reshape', [dense, g.constant('int64', [4], [0, 256, 8, 8])]);
    const up = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] };
    const wide = g.op('Relu', [
      g.op('ConvTranspose', [maps, g.constant('float32', [256, 128, 4, 4], values(256 * 128 * 16, 0.05))], up),
    ]);
    g.output(
      'image',
      g.op('Tanh', [
        g.op('ConvTranspose', [wide, g.constant('float32', [128, 3, 4, 4], values(128 * 3 * 16, 0.05))], up),
      ]),
    );
    return encodeModel(g.build());
  }

  test('computes convolutions by products in WASM, within 1e-5, and says which; by default, inline and on WebGPU the file is as it is', async () => {
    const bytes = convolving();
    const wanted = fastConvolutions(decodeModel(bytes)).convolutions;
    expect(Object.keys(wanted).length).toBeGreaterThan(0);
    const latent = { latent: Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)) };
    const floats: Float32Array[] = [];
    for (const [more, convolutions] of [
      [{}, undefined],
      [{ lowering: 'auto' }, wanted],
      [{ lowering: 'auto', executor: 'inline' }, undefined],
      [{ lowering: 'portable' }, undefined],
    ] as const) {
      const generator = await load(bytes, { ...options, ...more });
      expect(generator.device.convolutions).toEqual(convolutions);
      if ('executor' in more) expect(generator.device.reasons.join()).toMatch(/lowering: 'portable'/);
      floats.push((await generator.run(latent))['image']?.data as Float32Array);
      await generator.dispose();
    }
    expect(floats[1]).not.toEqual(floats[0]);
    expect(floats[1]).toBeAllclose([...floats[0]!], { atol: 2e-5 }); // of a range of 2
    expect([floats[2], floats[3]]).toEqual([floats[0], floats[0]]);
    await expect(load(bytes, { ...options, lowering: 'fast' as never })).rejects.toMatchObject({ code: 'usage' });
  });
});
