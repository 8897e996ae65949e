// Options of two-player games, every two values of different options together in some game on 8-pixel networks: three
// compiled iterations equal tfjs's. Each loss with each penalty is in losses-penalties.test.ts.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { lossNames, makeSystem, penaltyNames, type GanSystem } from '@forja/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweep } from '../sweeps.js';
import { expectLikeEager } from './support/games.js';
import { pairwise, pairsOf, type Row } from './support/pairwise.js';

/** Values of each option by name. The options of a row are put together. */
const VALUES = {
  network: {
    dcgan: { system: 'dcgan', base: 4 },
    resnet: { system: 'resnet', base: 4, widest: 4, spectral: 'none' },
    'spectral norm': { system: 'resnet', base: 4, widest: 4, spectral: 'both' },
    deviation: { system: 'resnet', base: 4, widest: 4, spectral: 'd', deviation: 2 },
    projection: { system: 'conditional', base: 4, hidden: 8, hiddenD: 8, penalties: {} },
    auxiliary: { system: 'conditional', base: 4, hidden: 8, hiddenD: 8, penalties: {}, conditioning: 'auxiliary' },
  },
  loss: Object.fromEntries(lossNames().map((loss) => [loss, { loss }])),
  penalty: {
    none: {},
    ...Object.fromEntries(
      penaltyNames().map((name, i) => [name, { penalties: { [name]: { weight: 0.5, every: 1 + (i % 2) } } }]),
    ),
  },
  augment: {
    none: {},
    diffaug: { augment: 'diffaug' },
    ada: { augment: 'ada', ada: { pictures: 20 } },
    others: { augment: 'flip,crop,rotation' },
  },
  pack: { none: {}, two: { pack: 2 } },
  accumulate: { none: {}, two: { accumulate: 2 } },
  clip: { none: {}, norm: { clipNorm: 0.5 }, value: { clipValue: 0.1 }, weights: { clipWeights: 0.05 } },
  schedule: {
    none: { schedule: 'constant' },
    rates: { schedule: 'cosine' },
    scalars: { schedules: { rate_d: 'linear:1e-2:0:20', ema: 'linear:0:0.99:20' } },
  },
} satisfies Record<string, Record<string, object>>;

/** A pack of examples has no single class. */
const allowed = ({ network, pack }: Row): boolean =>
  pack !== 'two' || (network !== 'projection' && network !== 'auxiliary');
const names = Object.fromEntries(Object.entries(VALUES).map(([option, values]) => [option, Object.keys(values)]));
const rows = pairwise(names, allowed, [['loss', 'penalty']]);
const title = (row: Row): string => Object.values(row).join(', ');

test('each two values of different options are in a game together', () => {
  const covered = new Set(rows.flatMap((row) => pairsOf(row)));
  const optionsOf = Object.entries(names);
  const missing = optionsOf.flatMap(([a, values], i) =>
    optionsOf.slice(i + 1).flatMap(([b, others]) =>
      values.flatMap((x) =>
        others
          .map((y): Row => ({ [a]: x, [b]: y }))
          .filter((pair) => allowed(pair) && !(a === 'loss' && b === 'penalty') && !covered.has(pairsOf(pair)[0] ?? ''))
          .map(title),
      ),
    ),
  );
  expect(missing).toEqual([]);
  expect(rows.filter((row) => !allowed(row))).toEqual([]);
  expect(rows.length).toBeLessThan(70); // all combinations: 37,632
});

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const fields = {
  image: { shape: [8, 8, 1], dtype: 'float32' as const, range: [-1, 1] as [number, number] },
  label: { shape: [], dtype: 'int32' as const, classes: ['a', 'b'] },
};

function made(row: Row): GanSystem {
  const chosen = Object.entries(row).map(
    ([option, value]) => (VALUES as Record<string, Record<string, object>>)[option]?.[value],
  );
  // SGD: Adam would divide by moments near 0, and follow the sign of rounding errors
  const common = { latent: 3, optimizer: 'sgd', rates: { g: 1e-2, d: 1e-2 } };
  const { system, ...options } = Object.assign(common, ...chosen) as { system: 'dcgan' };
  return makeSystem(system, options, { batch: 4, seed: 5, steps: 60, data: { name: 'made', count: 8, fields } });
}

// one of each network
const few = [...new Map(rows.map((row) => [row['network'], row])).values()];
describe.each(sweep(rows, few).map((row) => [title(row), row] as const))('%s', (_, row) => {
  test('compiled equals eager', async () => {
    const system = made(row);
    await expectLikeEager(system, host);
    system.dispose();
  });
});
