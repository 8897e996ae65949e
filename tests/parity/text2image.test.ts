// text2image: an iteration against PyTorch in float64 (tests/vectors/game_text2image.py), compiled against eager, and 50
// iterations; a run on shapes in colours of which some are never seen together, and pictures of texts from its file.
import { load, runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { arrayDataset, makeSystem, train, type Dataset, type GanSystem } from '@forja/trainer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGame } from '../vectors/read.mjs';
import { expectGame, expectSame, fill, iterate, notFinite } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

type Options = Parameters<typeof makeSystem<'text2image'>>[1];

const WORDS = ['', 'red', 'blue', 'row', 'square', 'small'];

const make = (options: Options, { batch, shape }: { batch: number; shape: number[] }, vocabulary = WORDS): GanSystem =>
  makeSystem('text2image', options, {
    batch,
    seed: 2,
    data: {
      name: 'shapes',
      count: 8,
      fields: {
        image: { shape, dtype: 'float32', range: [-1, 1] },
        text: { shape: [3], dtype: 'int32', vocabulary },
      },
    },
  });

test.each(['portable', 'fast', 'eager'] as const)('an iteration is PyTorch’s, %s', async (way) => {
  const vectors = readGame('text2image');
  const system = make(vectors.options as Options, vectors);
  fill(system, vectors);
  await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
  system.dispose();
});

test('three iterations compiled are those of tfjs, and 50 stay finite', async () => {
  const system = make({ base: 4, norm: 'batch', loss: 'hinge' }, { batch: 4, shape: [8, 8, 3] });
  const compiled = await iterate(system, 3, { runtime: host });
  const longer = await iterate(system, 50, { runtime: host });
  expect(notFinite(longer)).toEqual([]);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  expectSame(compiled, await iterate(system, 3, 'eager')); // last: it moves the system's own variables
  system.dispose();
});
