// A generator with two forms of its model: which one runs, how much their pictures differ, that no run waits for the
// preparation, and both forms after the executor died or the generator was disposed.
import { once } from 'node:events';
import { tensor, type Generator, type NamedTensors, type Preparation, type Session } from '@forja/core';
import { fastModelBytes, type FastBytes } from '@forja/core/onnx';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Scripts, smallGenerator, Workers } from '../vitest.support.js';
import { AdaptiveSession } from './adaptive.js';
import { load, runtime } from './index.js';

const model = smallGenerator(96);
const prepared = fastModelBytes(model) as FastBytes;
const noise = (rows: number): NamedTensors => ({
  z: tensor(
    'float32',
    [rows, 16],
    Float32Array.from({ length: rows * 16 }, (_, i) => Math.sin(i * 7.13)),
  ),
});
type Runs = Pick<Session | Generator, 'run'>;
const image = async (it: Runs, rows: number): Promise<Float32Array> =>
  (await it.run(noise(rows)))['image']?.data as Float32Array;
const FIRST = 3 * 32 * 32;

let workers: Workers;
beforeEach(() => (workers = new Workers()));
afterEach(() => workers.stop());
const scripts = new Scripts();
afterAll(() => scripts.remove());

describe.each(['worker', 'process', 'inline'] as const)('executor %s', (executor) => {
  test('single pictures use the file’s convolutions, large batches others, within 1e-5, said by `device`', async () => {
    const [generator, plain] = await Promise.all([
      load(model, { device: 'cpu', executor, warmup: [8] }),
      load(model, { device: 'cpu', executor, lowering: 'portable' }),
    ]);
    const { device } = generator;
    expect(device.convolutions).toEqual(prepared.convolutions);
    expect(device.reasons.join()).toMatch(/convolutions: replaced in runs of 8 rows and more.*deterministic/);
    expect(await image(generator, 1)).toEqual(await image(plain, 1));
    expect(await image(generator, 7)).toEqual(await image(plain, 7));
    const [fast, exact] = [await image(generator, 16), await image(plain, 16)];
    expect(fast).not.toEqual(exact);
    // tanh: a range of 2
    expect(Math.max(...fast.map((v, i) => Math.abs(v - (exact[i] ?? NaN))))).toBeLessThanOrEqual(2e-5);
    await Promise.all([generator.dispose(), plain.dispose()]);
  });

  test('with deterministic a picture has the same bits in any batch, from the start', async () => {
    const generator = await load(model, { device: 'cpu', executor, deterministic: true });
    expect(generator.device.convolutions).toEqual(prepared.convolutions);
    const large = await image(generator, 16);
    expect(await image(generator, 1)).toEqual(large.slice(0, FIRST));
    expect(await image(generator, 16)).toEqual(large);
    await generator.dispose();
  });
});

test('a long preparation delays no run, and takes effect when it is done', async () => {
  const rt = runtime({ device: 'cpu', threads: 1 });
  const [plain, reference] = [await rt.createSession(model), await rt.createSession(model, { lowering: 'auto' })];
  let finish: (found: FastBytes) => void = () => undefined;
  let begun = 0;
  const session = new AdaptiveSession({
    plain,
    model,
    prepare: (): Preparation => {
      begun++;
      return { done: new Promise((resolve) => (finish = resolve)), cancel: () => Promise.resolve() };
    },
    open: (bytes) => rt.createSession(bytes),
  });
  await image(session, 7);
  expect(begun).toBe(0);
  const early = await Promise.all([16, 1, 8, 1].map((rows) => image(session, rows)));
  expect([begun, session.device.convolutions]).toEqual([1, undefined]);
  expect(early[0]?.slice(0, FIRST)).toEqual(early[1]);
  finish(prepared);
  await session.prepare();
  expect(session.device.convolutions).toEqual(prepared.convolutions);
  expect(await image(session, 16)).toEqual(await image(reference, 16));
  expect(await image(session, 1)).toEqual(early[1]);
  await session.dispose();
  await expect(session.run(noise(16))).rejects.toMatchObject({ code: 'disposed' });
  await rt.dispose();
});

test('if the preparation fails or finds nothing, the file runs as it is, and the device report says why', async () => {
  const rt = runtime({ device: 'cpu', threads: 1 });
  const told: string[][] = [];
  for (const done of [() => Promise.reject(new Error('no memory')), () => Promise.resolve(undefined)]) {
    const session = new AdaptiveSession({
      plain: await rt.createSession(model),
      model,
      prepare: () => ({ done: done(), cancel: () => Promise.resolve() }),
      open: (bytes) => rt.createSession(bytes),
    });
    const before = await image(session, 16);
    await session.prepare();
    expect(await image(session, 16)).toEqual(before);
    told.push(session.device.reasons);
    await session.dispose();
  }
  expect(told).toEqual([['convolutions: unchanged: no memory'], []]);
  await rt.dispose();
});

test('both forms are restored after their executor died', async () => {
  const generator = await load(model, { device: 'cpu', warmup: [8], onEvent: () => undefined });
  const before = [await image(generator, 1), await image(generator, 16)];
  await workers.all[0]?.terminate();
  expect([await image(generator, 16), await image(generator, 1)]).toEqual(before.reverse());
  expect(generator.device.convolutions).toEqual(prepared.convolutions);
  await generator.dispose();
});

test('leaves no thread when disposed during the preparation', async () => {
  const generator = await load(model, { device: 'cpu' });
  await generator.sample({ count: 1 });
  expect(workers.counts).toEqual([1, 1]);
  const started = once(process, 'worker');
  await generator.sample({ count: 8 });
  await started;
  expect(workers.counts).toEqual([2, 2]);
  await generator.dispose();
  expect(workers.counts).toEqual([2, 0]);
});

test('a preparation does not keep the process alive', async () => {
  const file = scripts.file('generator.onnx', model);
  const { code, stdout } = await scripts.run(
    `const generator = await load(${JSON.stringify(file)}, { device: 'cpu' });
console.log((await generator.sample({ count: 8 })).count);`,
  );
  expect([code, stdout]).toEqual([0, '8\n']);
});
