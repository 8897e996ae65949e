// Parts of the runtime specific to Node (the rest: conformance.test.ts): the event loop stays free, exit during a run,
// no leftovers. Crashes are in recovery.test.ts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { tensor } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { turnsDuring } from '../vitest.support.js';
import { buildForTests } from '../vitest.worker.js';
import { runtime } from './runtime.js';

/** y = x · w · w · …, `times` products: takes a while at size 512. */
function products(size: number, times: number): Uint8Array {
  const g = new GraphBuilder();
  const w = g.constant('float32', [size, size], new Float32Array(size * size).fill(1 / size));
  let y = g.input('x', 'float32', [size, size]);
  for (let i = 0; i < times; i++) y = g.op('MatMul', [y, w]);
  g.output('y', y);
  return encodeModel(g.build());
}
const square = (size: number) => ({ x: tensor('float32', [size, size], new Float32Array(size * size).fill(1)) });

describe('the event loop', () => {
  const turnsOf = async (executor: 'worker' | 'inline' | 'process'): Promise<number> => {
    const rt = runtime({ device: 'cpu', executor, threads: 1 });
    const session = await rt.createSession(products(512, 30));
    const turns = await turnsDuring(async () => {
      const { y } = await session.run(square(512));
      expect((y?.data as Float32Array)[0]).toBeCloseTo(1, 4);
    }, 20);
    await rt.dispose();
    return turns;
  };

  test.each(['worker', 'process'] as const)('is not blocked while a %s runs', async (executor) => {
    expect(await turnsOf(executor)).toBeGreaterThan(20);
  });

  test('is blocked by an inline run, which is why that is not the default', async () => {
    expect(await turnsOf('inline')).toBeLessThan(10);
  });
});

describe('a process of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'forja-runtime-'));
  const model = join(folder, 'model.onnx');
  writeFileSync(model, products(512, 60));
  afterEach(() => rmSync(join(folder, 'script.mjs'), { force: true }));

  const node = async (
    executor: string,
    body: string,
  ): Promise<{ status: number | null; signal: string | null; stdout: string }> => {
    const file = join(folder, 'script.mjs');
    writeFileSync(
      file,
      `import { readFileSync } from 'node:fs';
import { runtime } from ${JSON.stringify(pathToFileURL(join(await buildForTests(), 'index.js')).href)};
const rt = runtime({ device: 'cpu', executor: ${JSON.stringify(executor)}, threads: 1 });
const session = await rt.createSession(readFileSync(${JSON.stringify(model)}));
const run = () => session.run({ x: { dtype: 'float32', shape: [512, 512], data: new Float32Array(512 * 512) } });
await run();
${body}`,
    );
    const { status, signal, stdout } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 300_000 });
    return { status, signal, stdout };
  };

  test.each(['worker', 'process', 'inline'])(
    'ends by itself when a %s idles, though nothing was disposed of',
    async (executor) => {
      expect(await node(executor, 'console.log("idle")')).toEqual({ status: 0, signal: null, stdout: 'idle\n' });
    },
  );

  test.each(['worker', 'process'])('waits for pending runs of a %s', async (executor) => {
    expect(await node(executor, 'void run().then(() => console.log("ran"))')).toEqual({
      status: 0,
      signal: null,
      stdout: 'ran\n',
    });
  });

  test.each(['worker', 'process'])('exits with its own code while a %s is running', async (executor) => {
    const leave = (
      how: string,
    ) => `let over = false; const [first, ...more] = Array.from({ length: 30 }, run); const all = Promise.allSettled(more).then(() => { over = true; });
      void first.then(() => setImmediate(() => { console.log(over ? 'idle' : 'busy'); ${how}; }));`;
    expect(await node(executor, leave('process.exit(0)'))).toEqual({ status: 0, signal: null, stdout: 'busy\n' });
    expect(await node(executor, leave('process.exit(3)'))).toEqual({ status: 3, signal: null, stdout: 'busy\n' });
    expect(await node(executor, leave('throw new Error("a mistake elsewhere")'))).toEqual({
      status: 1,
      signal: null,
      stdout: 'busy\n',
    });
  });
});

describe('nothing is left', () => {
  test('one worker for 200 runs and 20 sessions, and none after dispose', async () => {
    const workers = new Set<Worker>();
    const started = (worker: Worker): void => {
      workers.add(worker);
      worker.once('exit', () => workers.delete(worker));
    };
    let count = 0;
    const counting = (worker: Worker): void => {
      count++;
      started(worker);
    };
    process.on('worker', counting);
    const rt = runtime({ device: 'cpu', threads: 1 });
    for (let s = 0; s < 20; s++) {
      const session = await rt.createSession(products(4, 1));
      await Promise.all(Array.from({ length: 10 }, () => session.run(square(4))));
      await session.dispose();
    }
    expect([count, workers.size]).toEqual([1, 1]);
    await rt.dispose();
    process.off('worker', counting);
    expect(workers.size).toBe(0);
  });

  test('every native session is released: after runs, after a failed creation, with its runtime', async () => {
    const live = new Set<ort.InferenceSession>();
    const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
      model: Uint8Array,
      options?: object,
    ) => Promise<ort.InferenceSession>;
    let made = 0;
    const spy = vi.spyOn(ort.InferenceSession, 'create').mockImplementation(async (...args: unknown[]) => {
      const session = await create(args[0] as Uint8Array, args[1] as object);
      made++;
      live.add(session);
      const release = session.release.bind(session);
      session.release = async () => {
        await release();
        live.delete(session);
      };
      return session;
    });
    const rt = runtime({ device: 'cpu', executor: 'inline', threads: 1 });
    const model = products(4, 1);
    for (let i = 0; i < 10; i++) {
      const session = await rt.createSession(model);
      await session.run(square(4));
      await session.dispose();
    }
    expect([made, live.size]).toEqual([10, 0]);
    await expect(
      rt.createSession(model, {
        state: { nope: { output: 'y', initial: tensor('float32', [4, 4], new Float32Array(16)) } },
      }),
    ).rejects.toMatchObject({ code: 'usage' });
    expect([made, live.size]).toEqual([11, 0]);
    await rt.createSession(model);
    await rt.createSession(model);
    expect(live.size).toBe(2);
    await rt.dispose();
    expect(live.size).toBe(0);
    spy.mockRestore();
  });

  test('a model or feed given as a Buffer stays usable for the caller', async () => {
    const rt = runtime({ device: 'cpu', threads: 1 });
    const model = Buffer.from(products(4, 1));
    const length = model.length;
    const session = await rt.createSession(model);
    const pooled = Buffer.alloc(80);
    const data = new Float32Array(pooled.buffer, pooled.byteOffset - (pooled.byteOffset % 4) + 4, 16).fill(1);
    const { y } = await session.run({ x: { dtype: 'float32', shape: [4, 4], data } });
    expect([model.length, data.length, ...(y?.data as Float32Array).subarray(0, 2)]).toEqual([length, 16, 1, 1]);
    await rt.dispose();
  });
});

test('options out of range are refused', async () => {
  expect(() => runtime({ device: 'tpu' as never })).toRefuse('usage', 'runtime.device', 'auto, cpu', 'tpu');
  expect(() => runtime({ executor: 'thread' as never })).toRefuse('usage', 'runtime.executor', 'thread');
  expect(() => runtime({ threads: 0 })).toRefuse('usage', 'runtime.threads', '0');
  await expect(runtime().createSession(products(4, 1), { threads: 1.5 })).rejects.toMatchObject({ code: 'usage' });
});
