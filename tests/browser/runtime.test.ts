// The runtime contract in Chromium, on each device: results against onnxruntime-node, overlapping calls, errors that
// reach only their caller, state, disposal.
import { tensor } from '@forja/core';
import type { NamedTensors, Session } from '@forja/core';
import { runtimeConformance } from '@forja/core/conformance';
import { runtime } from '@forja/web';
import type { RuntimeOptions } from '@forja/web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { runningMean, tinyGenerator } from './models.js';
import { withWorkers } from './with-workers.js';

const DEVICES: readonly (readonly [string, RuntimeOptions])[] = [
  ['WASM, 1 thread', { device: 'wasm', threads: 1 }],
  ['WASM, 2 threads', { device: 'wasm', threads: 2 }],
  ['WebGPU (SwiftShader)', { device: 'webgpu' }],
];

/** Devices that this browser lacks, with the reason. */
const adapter = await navigator.gpu?.requestAdapter();
const skipped: readonly (readonly [string, string])[] = [
  ...(adapter ? [] : [['WebGPU (SwiftShader)', 'this browser gives no adapter'] as const]),
  ...(crossOriginIsolated ? [] : [['WASM, 2 threads', 'the page is not cross-origin isolated'] as const]),
];
const devices = DEVICES.filter(([name]) => !skipped.some(([left]) => left === name));
console.log(
  `conformance in ${navigator.userAgent.split(' ').at(-2)}: ${devices.map(([name]) => name).join('; ')}${adapter ? ` (adapter: ${adapter.info.vendor} ${adapter.info.architecture})` : ''}; skipped: ${skipped.map(([name, why]) => `${name}: ${why}`).join('; ') || 'none'}`,
);

const latent = (batch: number, shift = 0) =>
  tensor(
    'float32',
    [batch, 8],
    Float32Array.from({ length: batch * 8 }, (_, i) => Math.fround(((i * 37 + shift) % 17) / 8 - 1)),
  );
const floats = (value: NamedTensors[string] | undefined) => value?.data as Float32Array;

describe.each(devices)('%s', (_, options) => {
  describe('conformance', () => runtimeConformance({ test, expect }, () => runtime(options)));

  const rt = runtime(options);
  const model = tinyGenerator();
  let session: Session;
  beforeAll(async () => {
    session = await rt.createSession(model);
  });
  afterAll(() => rt.dispose());

  test('reports the actual device, its threads and the placement of nodes', () => {
    const { device } = session;
    expect(device).toMatchObject({
      requested: options.device,
      actual: options.device,
      executor: 'worker',
      crossOriginIsolated: true,
      threads: options.threads ?? 1,
      cpuOps: [],
    });
    expect(Object.values(device.placement).reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
    expect(session.inputs).toEqual([{ name: 'latent', dtype: 'float32', shape: ['batch', 8] }]);
    expect(session.outputs[0]).toMatchObject({ name: 'image', dtype: 'float32' });
  });

  test('gives the pictures of onnxruntime-node, within 1e-5', async () => {
    const z = latent(5);
    const { image } = await session.run({ latent: z });
    const reference = await commands.runInNode([...model], 'latent', z.shape, [...floats(z)]);
    expect(image?.shape).toEqual(reference.shape);
    expect(Math.max(...reference.data.map(Math.abs))).toBeGreaterThan(0.1);
    expect(floats(image)).toBeAllclose(reference.data, { atol: 1e-5 });
  });

  test('overlapping runs and creations each get their own result', async () => {
    const alone: Float32Array[] = [];
    for (let i = 0; i < 6; i++) alone.push(floats((await session.run({ latent: latent(2, i) }))['image']));
    const [other, ...together] = await Promise.all([
      rt.createSession(tinyGenerator(6)),
      ...alone.map((_, i) => session.run({ latent: latent(2, i) })),
    ]);
    await other.dispose();
    together.forEach(({ image }, i) => expect(floats(image)).toEqual(alone[i]));
    expect(alone[1]).not.toEqual(alone[0]);
  });

  test('a bad call fails alone, with its code', async () => {
    const results = await Promise.allSettled([
      session.run({ latent: latent(1) }),
      session.run({ latent: tensor('float32', [1, 7], new Float32Array(7)) }),
      session.run({}),
      session.run({ latent: latent(1) }, { outputs: ['nope'] }),
      rt.createSession(new TextEncoder().encode('this is not a model at all')),
      session.run({ latent: latent(1) }),
    ]);
    expect(results.map((r) => (r.status === 'fulfilled' ? 'ok' : (r.reason as { code: string }).code))).toEqual([
      'ok',
      'input.shape',
      'input.shape',
      'usage',
      'model.format',
      'ok',
    ]);
  });

  test('abort drops a queued run and no other', async () => {
    const control = new AbortController();
    const runs = [
      session.run({ latent: latent(1) }),
      session.run({ latent: latent(1) }, { signal: control.signal }),
      session.run({ latent: latent(1) }),
    ];
    control.abort(new Error('changed my mind'));
    const results = await Promise.allSettled(runs);
    expect(results.map((r) => (r.status === 'fulfilled' ? 'ok' : (r.reason as { code: string }).code))).toEqual([
      'ok',
      'aborted',
      'ok',
    ]);
  });

  test('feeds are not transferred, also as views of a larger or shared buffer', async () => {
    const plain = latent(2);
    const expected = floats((await session.run({ latent: plain }))['image']);
    const shared = new Float32Array(new SharedArrayBuffer(400)).subarray(3, 19);
    const view = new Float32Array(100).subarray(7, 23);
    for (const data of [view, shared]) {
      data.set(floats(plain));
      const { image } = await session.run({ latent: { dtype: 'float32', shape: [2, 8], data } });
      expect(floats(image)).toEqual(expected);
    }
    expect(plain.data.byteLength).toBe(64);
  });

  test('reports nodes that run elsewhere, and refuses them with strict', async () => {
    const initial = {
      total: tensor('float32', [3], new Float32Array(3)),
      count: tensor('int64', [], new BigInt64Array(1)),
    };
    const state = {
      total: { output: 'total_next', initial: initial.total },
      count: { output: 'count_next', initial: initial.count },
    };
    const mixed = await rt.createSession(runningMean(), { state });
    const strict = await rt
      .createSession(runningMean(), { state, strict: true })
      .catch((error: { code: string }) => error.code);
    if (options.device === 'webgpu') {
      // It adds no 64-bit integers.
      expect(mixed.device.cpuOps).toContain('Add');
      expect(mixed.device.placement).toMatchObject({
        webgpu: expect.any(Number) as number,
        cpu: expect.any(Number) as number,
      });
      expect(strict).toBe('device.unavailable');
    } else {
      expect(mixed.device.cpuOps).toEqual([]);
      expect(typeof strict).toBe('object');
    }
  });

  describe('state', () => {
    const state = {
      total: { output: 'total_next', initial: tensor('float32', [3], Float32Array.of(0, 10, 0)) },
      count: { output: 'count_next', initial: tensor('int64', [], BigInt64Array.of(0n)) },
    };
    const x = (value: number) => ({ x: tensor('float32', [3], Float32Array.of(value, value, value)) });

    test('advances with each run, can be read and replaced, and is returned only on request', async () => {
      const stateful = await rt.createSession(runningMean(), { state });
      expect(Object.keys(await stateful.run(x(1)))).toEqual(['mean']);
      await Promise.all([stateful.run(x(2)), stateful.run(x(3))]);
      let read = await stateful.readState();
      expect([...floats(read['total'])]).toEqual([6, 16, 6]);
      expect(read['count']?.data).toEqual(BigInt64Array.of(3n));
      const { mean, total_next } = await stateful.run(x(4), { outputs: ['mean', 'total_next'] });
      expect([...floats(total_next)]).toEqual([10, 20, 10]);
      expect([...floats(mean)]).toEqual([2.5, 5, 2.5]);
      await stateful.writeState({ total: tensor('float32', [3], Float32Array.of(1, 1, 1)) });
      read = await stateful.readState(['total', 'count']);
      expect([...floats(read['total'])]).toEqual([1, 1, 1]);
      expect(read['count']?.data).toEqual(BigInt64Array.of(4n));
      expect([...floats((await stateful.run(x(4)))['mean'])]).toEqual([1, 1, 1]);
      await stateful.dispose();
    });

    test('reads are copies, and two sessions of one model have separate state', async () => {
      const [a, b] = await Promise.all([
        rt.createSession(runningMean(), { state }),
        rt.createSession(runningMean(), { state }),
      ]);
      const before = await a.readState(['total']);
      await a.run(x(5));
      expect([...floats(before['total'])]).toEqual([0, 10, 0]);
      expect([...floats((await a.readState())['total'])]).toEqual([5, 15, 5]);
      expect([...floats((await b.readState())['total'])]).toEqual([0, 10, 0]);
      await Promise.all([a.dispose(), b.dispose()]);
    });

    test('shared state survives the last session of its device', async () => {
      const own = runtime(options);
      const shared = await own.createState?.({ total: state.total.initial, count: state.count.initial });
      if (!shared) throw new Error('createState');
      const bindings = {
        total: { state: shared, output: 'total_next' },
        count: { state: shared, output: 'count_next' },
      };
      for (let turn = 1; turn <= 3; turn++) {
        const session = await own.createSession(runningMean(), { state: bindings });
        await session.run(x(1));
        await session.dispose(); // and with it the GPU device
      }
      const read = await shared.read();
      expect([...floats(read['total'])]).toEqual([3, 13, 3]);
      expect(read['count']?.data).toEqual(BigInt64Array.of(3n));
      const [a, b] = [
        await own.createSession(runningMean(), { state: bindings }),
        await own.createSession(runningMean(), { state: bindings }),
      ];
      await a.run(x(1));
      await a.dispose(); // its state stays in use
      expect([...floats((await b.run(x(1)))['mean'])]).toEqual([1, 3, 1]);
      await own.dispose();
    });

    test('wrong bindings and values are refused and change nothing', async () => {
      const codes: string[] = [];
      const note = (error: unknown) => codes.push((error as { code: string }).code);
      const { count, total } = state;
      await rt.createSession(runningMean(), { state: { nope: total } }).catch(note);
      await rt.createSession(runningMean(), { state: { total: { ...total, output: 'nope' } } }).catch(note);
      const stateful = await rt.createSession(runningMean(), { state: { count, total } });
      await stateful
        .writeState({
          total: tensor('float32', [3], Float32Array.of(9, 9, 9)),
          count: tensor('float32', [], Float32Array.of(1)),
        })
        .catch(note);
      await stateful.writeState({ nope: total.initial }).catch(note);
      await stateful.run({ ...x(1), total: total.initial }).catch(note);
      expect(codes).toEqual(['usage', 'usage', 'input.shape', 'usage', 'input.shape']);
      expect([...floats((await stateful.readState())['total'])]).toEqual([0, 10, 0]);
      await stateful.dispose();
    });
  });

  test('after dispose, calls reject with their code and a second dispose does nothing', async () => {
    const own = runtime(options);
    const mine = await own.createSession(model);
    const last = mine.run({ latent: latent(1) });
    await mine.dispose();
    expect((await last)['image']?.shape).toEqual([1, 1, 6, 6]);
    await expect(mine.run({ latent: latent(1) })).rejects.toMatchObject({ code: 'disposed' });
    await mine.dispose();
    await own.dispose();
    await own.dispose();
    await expect(own.createSession(model)).rejects.toMatchObject({ code: 'disposed' });
  });
});

describe('conformance, WASM inline', () =>
  runtimeConformance({ test, expect }, () => runtime({ device: 'wasm', executor: 'inline' })));

test('auto skips software WebGPU, and says why', async () => {
  const rt = runtime();
  const device = await rt.ready();
  expect(device).toMatchObject({ requested: 'auto', actual: 'wasm' });
  expect(device.reasons.join()).toMatch(/webgpu: the adapter is software/);
  await rt.dispose();
});

test('WebGPU runs on the asyncify build where the browser has no JSPI, with the same numbers', async () => {
  await commands.requests();
  const pictures: Float32Array[] = [];
  for (const hash of ['#no-jspi', '']) {
    await withWorkers(
      (url) => url + hash,
      async () => {
        const rt = runtime({ device: 'webgpu', assets: '/__forja/faulty/' });
        const session = await rt.createSession(tinyGenerator());
        expect(session.device).toMatchObject({ actual: 'webgpu', cpuOps: [] });
        pictures.push(floats((await session.run({ latent: latent(3) }))['image']));
        await rt.dispose();
      },
    );
    const wasm = (await commands.requests()).filter((url) => url.includes('.wasm'));
    expect(wasm.length).toBeGreaterThan(0);
    expect(
      wasm.every((url) => url.includes(hash === '' ? 'jspi' : 'asyncify')),
      wasm.join(),
    ).toBe(true);
  }
  expect(pictures[0]).toBeAllclose([...pictures[1]!], { atol: 1e-6 });
});

test('devices that browsers do not have are refused', async () => {
  await expect(runtime({ device: 'cuda' }).ready()).rejects.toMatchObject({ code: 'device.unavailable' });
  expect(() => runtime({ threads: 0 })).toRefuse('usage', 'threads');
});

test('the page stays free while models are made and run', async () => {
  const rt = runtime({ device: 'wasm' });
  const channel = new MessageChannel();
  let ticks = 0;
  channel.port1.onmessage = () => {
    ticks++;
    channel.port2.postMessage(0);
  };
  channel.port2.postMessage(0);
  const session = await rt.createSession(tinyGenerator(2048));
  // The freest of a few, on a machine that may give this thread little time; a run on this thread would let none
  // through.
  let most = 0;
  for (let i = 0; i < 10 && most <= 20; i++) {
    const before = ticks;
    await session.run({ latent: latent(256, i) });
    most = Math.max(most, ticks - before);
  }
  expect(most).toBeGreaterThan(20);
  channel.port1.close();
  await rt.dispose();
});
