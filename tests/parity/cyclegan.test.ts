// CycleGAN: two iterations against PyTorch in float64 with pools that fill up and swap
// (tests/vectors/game_cyclegan.py), compiled against eager, and 50 iterations.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { makeSystem, type GanSystem } from '@forja/trainer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGame } from '../vectors/read.mjs';
import { expectGame, expectPlayable, fill } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

type Options = Parameters<typeof makeSystem<'cyclegan'>>[1];

const make = (options: Options, batch: number, a: number[], b = a): GanSystem =>
  makeSystem('cyclegan', options, {
    batch,
    seed: 2,
    data: {
      name: 'two sets',
      count: 8,
      parts: { a: 8, b: 5 },
      fields: {
        a: { shape: a, dtype: 'float32', range: [-1, 1], part: 'a' },
        b: { shape: b, dtype: 'float32', range: [-1, 1], part: 'b' },
      },
    },
  });

test.each(['portable', 'fast', 'eager'] as const)('two iterations are PyTorch’s, pools too, %s', async (way) => {
  const vectors = readGame('cyclegan');
  const system = make(vectors.options as Options, vectors.batch, vectors.shape);
  fill(system, vectors);
  await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
  system.dispose();
});

test('three compiled iterations equal tfjs’s, and 50 stay finite', async () => {
  const system = make({ base: 2, blocks: 1, depthD: 1, pool: 4, identity: 0 }, 2, [16, 24, 3], [16, 24, 1]);
  const longer = await expectPlayable(system, host);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  expect(longer.state['pool/count']).toEqual(Float32Array.of(2));
  system.dispose();
});

test('both generators are outputs, with separate files', () => {
  const system = make({ base: 2, blocks: 0, depthD: 1 }, 1, [8, 8, 3]);
  expect(Object.values(system.outputs).map(({ file }) => file)).toEqual(['a-to-b.onnx', 'b-to-a.onnx']);
  system.dispose();
});

test('refuses sets of different sizes, and an identity loss between different channels', () => {
  const refused = (what: string): Error =>
    expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(what) as string }) as Error;
  expect(() => make({}, 1, [8, 8, 3], [8, 12, 3])).toThrow(refused('^config.data: .*cyclegan'));
  expect(() => make({}, 1, [8, 8, 3], [8, 8, 1])).toThrow(refused('^cyclegan.identity: '));
});
