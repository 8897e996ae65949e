// WGAN-GP: critic steps and a generator step against PyTorch in float64 (tests/vectors/game_wgan_gp.py), compiled
// against eager, and 50 iterations.
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

type Options = Parameters<typeof makeSystem<'wgan-gp'>>[1];

const make = (
  options: Options,
  { batch = 3, shape = [16, 16, 1] }: { batch?: number; shape?: number[] } = {},
): GanSystem =>
  makeSystem('wgan-gp', options, {
    batch,
    seed: 2,
    data: { name: 'pictures', count: 8, fields: { image: { shape, dtype: 'float32', range: [-1, 1] } } },
  });

test.each(['portable', 'fast', 'eager'] as const)('an iteration is PyTorch’s, %s', async (way) => {
  const vectors = readGame('wgan-gp');
  const system = make(vectors.options as Options, vectors);
  fill(system, vectors);
  await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
  system.dispose();
});

test('three compiled iterations equal tfjs’s, and 50 stay finite', async () => {
  const system = make({ base: 2, latent: 4, dSteps: 3 }, { batch: 2, shape: [8, 8, 3] });
  const longer = await expectPlayable(system, host);
  expect(longer.scalars['loss_d']).toHaveLength(150);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  system.dispose();
});
