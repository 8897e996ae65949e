// Overlapping calls on one model and on two: the same bits as sequential ones, a failure affects only its call, and
// shared runs change no picture.
import { tensor, type Generator, type NamedTensors } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { expect, describe, test } from 'vitest';
import { smallGenerator } from '../vitest.support.js';
import { load, runtime } from './index.js';

/** y = x · w: of [n, 4]; rows of another length fail in native code only. */
function loose(): Uint8Array {
  const g = new GraphBuilder();
  g.output(
    'y',
    g.op('MatMul', [
      g.input('x', 'float32', ['n', 'm']),
      g.constant(
        'float32',
        [4, 4],
        Float32Array.from({ length: 16 }, (_, i) => Math.sin(i)),
      ),
    ]),
  );
  return encodeModel(g.build());
}
const rows = (n: number, m = 4): NamedTensors => ({
  x: tensor(
    'float32',
    [n, m],
    Float32Array.from({ length: n * m }, (_, i) => Math.cos(i + n)),
  ),
});
const code = (error: unknown): string => (error as { code: string }).code;

describe.each(['worker', 'process', 'inline'] as const)('executor %s', (executor) => {
  test('concurrent calls on two models give the bits of serial ones; a failing call affects no other', async () => {
    const rt = runtime({ device: 'cpu', threads: 2, executor });
    const [a, b] = await Promise.all([rt.createSession(smallGenerator()), rt.createSession(loose())]);
    const z = (i: number): NamedTensors => ({
      z: tensor(
        'float32',
        [1 + (i % 3), 16],
        Float32Array.from({ length: (1 + (i % 3)) * 16 }, (_, k) => Math.sin(k * i)),
      ),
    });
    const calls = Array.from({ length: 45 }, (_, i) =>
      i % 3 === 0 ? () => a.run(z(i)) : i % 3 === 1 ? () => b.run(rows(i)) : () => b.run(rows(i, 3)),
    );
    const settle = (call: () => Promise<NamedTensors>): Promise<unknown> => call().catch(code);
    const serial: unknown[] = [];
    for (const call of calls) serial.push(await settle(call));
    expect(await Promise.all(calls.map(settle))).toEqual(serial);
    expect(serial.filter((result) => typeof result === 'string')).toEqual(new Array(15).fill('input.shape'));
    await rt.dispose();
  });

  test('concurrent requests for pictures give the bytes of batch 1, in fewer runs', async () => {
    const options = { device: 'cpu', threads: 2, executor } as const;
    const [alone, shared, other] = await Promise.all([
      load(smallGenerator(), { ...options, batch: { max: 1 } }),
      load(smallGenerator(), { ...options, batch: { max: 16 } }),
      load(smallGenerator(8), options),
    ]);
    const serially = async (generator: Generator): Promise<Uint8ClampedArray[]> => {
      const all: Uint8ClampedArray[] = [];
      for (let seed = 0; seed < 40; seed++) all.push((await generator.sample({ seed, count: 1 + (seed % 3) })).data);
      return all;
    };
    const expected = [await serially(alone), await serially(other)];
    const before = shared.stats().runs;
    const at = (generator: Generator, seed: number): Promise<Uint8ClampedArray> =>
      generator.sample({ seed, count: 1 + (seed % 3) }).then(({ data }) => data);
    const pairs = await Promise.all(
      Array.from({ length: 40 }, (_, seed) => Promise.all([at(shared, seed), at(other, seed)])),
    );
    expect(pairs).toEqual(expected[0]!.map((data, seed) => [data, expected[1]![seed]]));
    expect([before, shared.stats().runs]).toEqual([0, 5]); // 79 pictures, 16 per run
    expect(alone.stats().runs).toBe(79);
    await Promise.all([alone.dispose(), shared.dispose(), other.dispose()]);
  });
});

test('a shared run gives the floats of batch 1, bit for bit', async () => {
  const rt = runtime({ device: 'cpu', threads: 2 });
  const session = await rt.createSession(smallGenerator(32));
  const all = Float32Array.from({ length: 33 * 16 }, (_, k) => Math.sin(k * k));
  const image = async (n: number, data: Float32Array): Promise<Float32Array> =>
    (await session.run({ z: tensor('float32', [n, 16], data) }))['image']!.data as Float32Array;
  const together = await image(33, all);
  for (let i = 0; i < 33; i++)
    expect(together.slice(i * 3072, (i + 1) * 3072)).toEqual(await image(1, all.slice(i * 16, (i + 1) * 16)));
  await rt.dispose();
});

test('only the request that exceeds the queue is refused as overloaded; later ones are accepted', async () => {
  const generator = await load(smallGenerator(), { device: 'cpu', batch: { queue: 4 } });
  const calls = Array.from({ length: 6 }, (_, seed) => generator.sample({ seed }).then(({ count }) => count, code));
  expect(await Promise.all(calls)).toEqual([1, 1, 1, 1, 'overloaded', 'overloaded']);
  expect((await generator.sample()).count).toBe(1);
  await generator.dispose();
});
