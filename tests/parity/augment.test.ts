// Augmentation in a game, on 8-pixel networks: compiled equals eager, 50 iterations stay finite, ADA adapts its
// probability. Values of each augmentation: packages/trainer/src/augment/augment.test.ts.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { makeSystem, mlpGan, train, type GanSystem } from '@forja/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlayable, iterate } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const make = (augment: string | string[], more: object = {}): GanSystem =>
  makeSystem(
    'wgan-gp',
    {
      base: 2,
      latent: 3,
      loss: 'rpgan', // needs real pictures in the generator's step too
      penalties: { r1: { weight: 0.5, every: 2 }, 'zero-centred': 0.1 },
      dSteps: 1,
      beta1: 0.5,
      beta2: 0.99,
      rates: { g: 1e-3, d: 1e-3 },
      augment,
      ...more,
    },
    {
      batch: 4,
      data: { name: 'noise', count: 8, fields: { image: { shape: [8, 8, 3], dtype: 'float32', range: [-1, 1] } } },
    },
  );

describe.each([
  ['diffaug', {}],
  ['ada', { ada: { target: 0, pictures: 100 }, dSteps: 2 }],
  [['flip', 'crop'], {}],
] as const)('%s', (augment, more) => {
  test('is the same compiled, and stays finite', async () => {
    const system = make(typeof augment === 'string' ? augment : [...augment], more);
    const long = await expectPlayable(system, host);
    if (augment === 'ada') expect(Math.max(...(long.scalars['ada_p'] ?? []))).toBeGreaterThan(0);
    system.dispose();
  });
});

test('changes what the discriminator sees, not what the generator makes', async () => {
  const [plain, augmented] = [make('none'), make('diffaug')];
  const [a, b] = [await iterate(plain, 1, { runtime: host }), await iterate(augmented, 1, { runtime: host })];
  expect(a.scalars['loss_d']).not.toEqual(b.scalars['loss_d']);
  plain.dispose();
  augmented.dispose();
});

test.each([
  [
    { system: 'mlp', data: 'ring', augment: 'diffaug' },
    /^config\.augment: expected pictures to augment, got points \[2\]/,
  ],
  [
    { system: 'mlp', data: 'ring', augment: 'difaug' },
    /config\.augment: expected augmentations \(none, diffaug, ada, color.*did you mean 'diffaug'/,
  ],
  [{ system: 'mlp', data: 'ring', augment: 'ada,flip' }, /config\.augment: expected 'ada' alone, or others/],
])('%j is refused', async (config, message) => {
  await expect(train(config as never)).rejects.toThrow(
    expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(message) as string }) as Error,
  );
});

test('also for a system made with makeSystem', () => {
  expect(() => mlpGan({ augment: 'flip' })).toRefuse('config.invalid', 'config.augment', '[2]');
});
