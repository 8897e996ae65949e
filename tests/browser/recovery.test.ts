// Workers that die or hang and a lost GPU, in Chromium: effects on the run, other models, state and events. The worker
// is the real one with faults.ts in front; the GPU device is really destroyed.
import { tensor } from '@forja/core';
import type { NamedTensors, RuntimeEvent, Session } from '@forja/core';
import { load, runtime } from '@forja/web';
import type { RuntimeOptions } from '@forja/web';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { commands } from 'vitest/browser';
import { runningMean, tinyGenerator } from './models.js';
import { withWorkers } from './with-workers.js';

const assets = '/__forja/faulty/';
const model = tinyGenerator();
const latent = (shift = 0): NamedTensors => ({
  latent: tensor(
    'float32',
    [2, 8],
    Float32Array.from({ length: 16 }, (_, i) => Math.fround(((i * 37 + shift) % 17) / 8 - 1)),
  ),
});

/** The time limit of calls that hang: no busy machine exceeds it. A test ends it itself. */
const LIMIT = 600_000;
/** The limit is waited for in parts, one after the other: see core's watchdog. */
const PART = LIMIT / 8;
/** Whether the next time limit is over at once. */
let over: boolean;

let events: RuntimeEvent[];
let channel: BroadcastChannel;
beforeEach(() => {
  over = false;
  const { setTimeout } = globalThis;
  let ending = false; // while a part of the limit that is over ends, and begins the next one
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((then: () => void, ms?: number) => {
    const ends = (over || ending) && ms === PART;
    if (ends) over = false;
    const ended = (): void => {
      ending = true;
      then();
      ending = false;
    };
    return setTimeout(ends ? ended : then, ends ? 0 : ms);
  }) as typeof setTimeout);
  events = [];
  channel = new BroadcastChannel('forja-faults');
});
afterEach(() => {
  vi.restoreAllMocks();
  channel.close();
});

/** Sets a fault in every running worker. */
async function fault(name: string): Promise<void> {
  const set = new Promise<void>((resolve) => channel.addEventListener('message', () => resolve(), { once: true }));
  channel.postMessage(name);
  await set;
  over = name === 'hang'; // the limit of the call that hangs
}
const faulty = (options: RuntimeOptions) =>
  runtime({ assets, threads: 1, onEvent: (event) => events.push(event), ...options });
const restarted = (reason: RegExp): unknown => ({ type: 'restarted', reason: expect.stringMatching(reason) as string });
const image = async (session: Session, shift?: number): Promise<number[]> => [
  ...((await session.run(latent(shift)))['image']?.data as Float32Array),
];

beforeAll(() => commands.forgetWorkers());

describe.each([
  ['WASM', 'wasm', 'die', /the worker failed: .*a fault of the test/],
  ['WASM', 'wasm', 'hang', /no answer to 'run' within 600000 ms \(option timeoutMs\), so it hangs/],
  ['WebGPU', 'webgpu', 'die', /the worker failed: .*a fault of the test/],
  ['WebGPU', 'webgpu', 'lose-gpu', /the GPU device was lost \(destroyed/],
] as const)('%s (%s), a worker with the fault %s', (_, device, name, reason) => {
  const options: RuntimeOptions = { device, ...(name === 'hang' ? { timeoutMs: LIMIT } : {}) };

  test('is replaced: the run is retried, other models continue, one event, right pictures', async () => {
    const rt = faulty(options);
    const [session, other] = await Promise.all([rt.createSession(model), rt.createSession(tinyGenerator(6))]);
    const expected = [await image(session, 1), await image(other, 2), await image(session, 3)];
    await fault(name);
    const together = await Promise.all([image(session, 1), image(other, 2), image(session, 3)]);
    together.forEach((pixels, i) => expect(pixels).toBeAllclose(expected[i]!, { atol: 1e-6 }));
    expect(Math.max(...expected[0]!.map(Math.abs))).toBeGreaterThan(0.1); // not a picture of zeros
    expect(events).toEqual([restarted(reason)]);
    expect(session.device.actual).toBe(device);
    await rt.dispose();
  });

  test('loses state: the session fails with a code, a new one works', async () => {
    const rt = faulty(options);
    const state = {
      total: { output: 'total_next', initial: tensor('float32', [3], Float32Array.of(0, 10, 0)) },
      count: { output: 'count_next', initial: tensor('int64', [], BigInt64Array.of(0n)) },
    };
    const x = { x: tensor('float32', [3], Float32Array.of(1, 1, 1)) };
    const session = await rt.createSession(runningMean(), { state });
    await session.run(x);
    await fault(name);
    const gone = {
      code: 'device.lost',
      message: expect.stringMatching(/create it again with the last state that you read/) as string,
    };
    await expect(session.run(x)).rejects.toMatchObject({ code: 'device.lost' });
    await expect(session.readState()).rejects.toMatchObject(gone);
    const again = await rt.createSession(runningMean(), { state });
    await again.run(x);
    expect([...((await again.readState())['total']?.data as Float32Array)]).toEqual([1, 11, 1]);
    expect(events).toEqual([restarted(reason)]);
    await rt.dispose();
  });

  test('loses shared state: sessions continue when it is written again', async () => {
    const rt = faulty(options);
    const total = (value: number) => tensor('float32', [3], new Float32Array(3).fill(value));
    const count = tensor('int64', [], BigInt64Array.of(0n));
    const state = await rt.createState?.({ total: total(0), count });
    if (!state) throw new Error('createState');
    const bindings = { total: { state, output: 'total_next' }, count: { state, output: 'count_next' } };
    const [one, two] = [
      await rt.createSession(runningMean(), { state: bindings }),
      await rt.createSession(runningMean(), { state: bindings }),
    ];
    const x = { x: total(1) };
    await Promise.all([one.run(x), two.run(x)]);
    const read = await state.read();
    await fault(name);
    await expect(one.run(x)).rejects.toMatchObject({ code: 'device.lost' });
    await expect(two.run(x)).rejects.toMatchObject({
      code: 'device.lost',
      message: expect.stringMatching(/state: .* was lost/) as string,
    });
    await state.write(read);
    await Promise.all([one.run(x), two.run(x)]);
    const { total: after, count: counted } = await state.read();
    expect([...(after?.data as Float32Array)]).toEqual([4, 4, 4]);
    expect(counted?.data).toEqual(BigInt64Array.of(4n));
    expect(events).toEqual([restarted(reason)]);
    await rt.dispose();
  });
});

test('a worker that dies while idle is replaced by the next call', async () => {
  const rt = faulty({ device: 'wasm' });
  const session = await rt.createSession(model);
  const before = await image(session);
  await fault('die-idle');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(events).toEqual([]);
  expect(await image(session)).toEqual(before);
  expect(events).toEqual([restarted(/the worker failed/)]);
  await rt.dispose();
});

test('a worker that dies again in the same run fails it with a code; the next run gets a new worker', async () => {
  const rt = faulty({ device: 'wasm' });
  await withWorkers(
    (url, nth) => (nth <= 2 ? `${url}#die` : url),
    async () => {
      const session = await rt.createSession(model);
      const runs = [image(session), image(session)];
      await expect(runs[0]).rejects.toMatchObject({
        name: 'DeviceError',
        code: 'device.lost',
        message: expect.stringMatching(/the same happened again on a fresh executor/) as string,
      });
      const own = runtime({ device: 'wasm', threads: 1 });
      expect(await runs[1]).toEqual(await image(await own.createSession(model)));
      await own.dispose();
      expect(events).toEqual([restarted(/a fault of the test/), restarted(/a fault of the test/)]);
    },
  );
  await rt.dispose();
});

test('a replacement that cannot start fails the call with a code; the next call tries again', async () => {
  const rt = faulty({ device: 'wasm' });
  const session = await rt.createSession(model);
  const before = await image(session);
  await fault('die');
  await withWorkers(
    () => '/__forja/missing',
    () => expect(image(session)).rejects.toMatchObject({ code: 'device.unavailable' }),
  );
  expect(await image(session)).toEqual(before);
  expect(events).toHaveLength(1);
  await rt.dispose();
});

test('generators on one worker survive together; one event per listener, else one console warning', async () => {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (...parts: unknown[]) => void said.push(parts.join(' '));
  try {
    const heard: string[] = [];
    const one = (): void => void heard.push('one');
    const two = (): void => void heard.push('two');
    const all = await Promise.all(
      [one, one, two, undefined, undefined].map((onEvent) =>
        load(model, { device: 'wasm', threads: 1, assets, ...(onEvent ? { onEvent } : {}) }),
      ),
    );
    await expect.poll(() => commands.workers('faulty')).toBe(1);
    const before = (await all[0]!.sample({ seed: 1 })).data;
    await fault('die');
    for (const { data } of await Promise.all(all.map((generator) => generator.sample({ seed: 1 }))))
      expect(data).toEqual(before);
    expect(heard.sort()).toEqual(['one', 'two']);
    expect(said).toEqual([expect.stringMatching(/^@forja\/web: the executor was replaced: /)]);
    await Promise.all(all.map((generator) => generator.dispose()));
    await expect.poll(() => commands.workers('faulty')).toBe(0);
  } finally {
    console.warn = warn;
  }
});

test('invalid options are refused', () => {
  for (const options of [{ timeoutMs: 0 }, { timeoutMs: NaN }, { executor: 'process' as never }])
    expect(() => runtime(options)).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
});
