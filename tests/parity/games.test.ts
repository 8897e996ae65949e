// Parts of games against PyTorch in float64 (tests/vectors/game_*.py): lazy R1, conditional norms and projection,
// AC-GAN, feature matching, path length, StyleGAN2, remedies together, WGAN, residual networks. Each also compiled
// against eager.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { makeSystem, type GanSystem, type SystemConfigs } from '@forja/trainer';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { readGame, type GameVectors } from '../vectors/read.mjs';
import { expectGame, expectPlayable, fill } from './support/games.js';
import {
  featureMatchingGame,
  pathLengthGame,
  type FeatureMatching,
  type PathLengthOptions,
} from './support/toy-games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const madeSystem =
  <N extends keyof SystemConfigs & string>(name: N, own: object = {}) =>
  ({ options, batch, shape }: GameVectors): GanSystem =>
    makeSystem(name, { ...options, ...own } as SystemConfigs[N], {
      batch,
      data: {
        name: 'pictures',
        count: 8,
        fields: {
          image: { shape, dtype: 'float32', range: [-1, 1] },
          label: { shape: [], dtype: 'int32', classes: ['a', 'b', 'c'] },
        },
      },
    });

const GAMES: Record<string, (vectors: GameVectors) => GanSystem> = {
  'lazy-r1': madeSystem('wgan-gp'),
  conditional: madeSystem('conditional', { norm: 'none' }),
  'ac-gan': madeSystem('conditional', { norm: 'none' }),
  'conditional-hidden': madeSystem('conditional', { norm: 'none' }),
  stylegan: madeSystem('stylegan'),
  remedies: madeSystem('wgan-gp'),
  wgan: madeSystem('wgan-gp'),
  resnet: madeSystem('resnet'),
  'resnet-rpgan': madeSystem('resnet'),
  // as the scripts of these vectors write them
  'feature-matching': ({ options, batch }) => featureMatchingGame(options as unknown as FeatureMatching, batch),
  'path-length': ({ options, batch }) => pathLengthGame(options as unknown as PathLengthOptions, batch),
};

describe.each(Object.entries(GAMES))('%s', (name, make) => {
  test.each(['portable', 'fast', 'eager'] as const)('is PyTorch’s, %s', async (way) => {
    const vectors = readGame(name);
    const system = make(vectors);
    fill(system, vectors);
    await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
    system.dispose();
  });

  test('three compiled iterations equal tfjs’s, and 50 stay finite', async () => {
    const vectors = readGame(name);
    const system = make(vectors);
    fill(system, vectors);
    await expectPlayable(system, host);
    system.dispose();
  });
});
