// Models that share a worker in Chromium, what is left when they are gone, handles that are dropped, and the executor
// in the page's own thread.
import { tensor } from '@forja/core';
import { load, runtime } from '@forja/web';
import type { LoadOptions } from '@forja/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { runningMean, tinyGenerator } from './models.js';

const model = tinyGenerator();
const options: LoadOptions = { device: 'wasm', threads: 1 };
/** The browser tells of a worker's end a moment after it. */
const workersAre = (count: number): Promise<void> => expect.poll(() => commands.workers()).toBe(count);
/** Those that are there: none, once what ran before is gone. */
const workersBefore = async (): Promise<number> => workersAre(0).then(() => 0);

beforeAll(() => commands.forgetWorkers());

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
