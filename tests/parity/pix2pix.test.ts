// pix2pix: an iteration against PyTorch in float64 (tests/vectors/game_pix2pix.py), compiled against eager (with
// dropout too), and 50 iterations.
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

type Options = Parameters<typeof makeSystem<'pix2pix'>>[1];

const picture = (shape: number[]) => ({ shape, dtype: 'float32' as const, range: [-1, 1] as const });
const make = (
  options: Options,
  { batch, input, target }: { batch: number; input: number[]; target: number[] },
): GanSystem =>
  makeSystem('pix2pix', options, {
    batch,
    seed: 2,
    data: { name: 'pairs', count: 8, fields: { input: picture(input), target: picture(target) } },
  });

test.each(['portable', 'fast', 'eager'] as const)('an iteration is PyTorch’s, %s', async (way) => {
  const vectors = readGame('pix2pix');
  const system = make(vectors.options as Options, vectors);
  fill(system, vectors);
  await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
  system.dispose();
});

test('three compiled iterations equal tfjs’s, with dropout and resized maps, and 50 stay finite', async () => {
  const system = make({ base: 4, dropout: 0.5, loss: 'rpgan' }, { batch: 2, input: [16, 16, 1], target: [16, 16, 3] });
  const longer = await expectPlayable(system, host);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  system.dispose();
});

test('a pair of different sizes is refused, and so is one that a U-Net cannot halve', () => {
  const refused = (what: string): Error =>
    expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(what) as string }) as Error;
  const one = { batch: 1, input: [16, 16, 3] };
  expect(() => make({ base: 2 }, { ...one, target: [16, 32, 3] })).toThrow(refused('^config.data: .*pix2pix'));
  expect(() => make({ base: 2 }, { ...one, input: [15, 16, 3], target: [15, 16, 3] })).toThrow(refused('^unet.size: '));
});
