// Options of two-player games, several at a time on 8-pixel networks: three compiled iterations equal tfjs's, and 50
// stay finite. Single options are tested against PyTorch or by hand below and in unit tests.
import { runtime } from '@forja/node';
import { tensor, type Runtime } from '@forja/core';
import { makeSystem, type GanSystem, type SystemConfigs } from '@forja/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlayable, running } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const fields = {
  image: { shape: [8, 8, 1], dtype: 'float32' as const, range: [-1, 1] as [number, number] },
  label: { shape: [], dtype: 'int32' as const, classes: ['a', 'b'] },
  vector: { shape: [2], dtype: 'float32' as const },
};
const madeSystem = <N extends 'dcgan' | 'mlp' | 'conditional' | 'wgan-gp'>(
  name: N,
  options: SystemConfigs[N],
  batch = 4,
): GanSystem =>
  makeSystem(
    name,
    { base: 4, latent: 3, ...options },
    { batch, seed: 5, steps: 60, data: { name: 'made', count: 8, fields } },
  );

/** Few units, as everything here is small: of many, some have slopes near rounding, whose sign Adam would follow. */
const HIDDEN = { hidden: 8, hiddenD: 8 };

const GAMES: Record<string, () => GanSystem> = {
  'schedules of rates, average, penalty': () =>
    madeSystem('dcgan', {
      schedule: 'exponential',
      schedules: { rate_d: 'cosine,warmup=4', ema: 'linear:0:0.99:20', r1: { kind: 'step', every: 2 } },
      penalties: { r1: 1 },
    }),
  'schedules of a lazy penalty, AdamW, clipped': () =>
    madeSystem('conditional', {
      ...HIDDEN,
      schedules: { r1: 'linear:0.5:0:20' },
      optimizer: 'adamw',
      weightDecay: 0.1,
      clipNorm: 0.5,
    }),
  'accumulated, RMSProp': () =>
    madeSystem('wgan-gp', { accumulate: 2, dSteps: 2, optimizer: 'rmsprop', rates: { g: 1e-4, d: 1e-4 } }),
  'accumulated, lazy, clipped by value': () =>
    madeSystem('dcgan', { accumulate: 3, clipValue: 0.01, penalties: { r2: { weight: 0.5, every: 2 } } }),
  'targets, noise, matched features': () =>
    madeSystem('dcgan', {
      labelSmoothing: 0.1,
      labelSmoothingFake: 0.1,
      labelNoise: 0.2,
      labelFlips: 0.1,
      instanceNoise: 0.2,
      schedules: { instanceNoise: 'linear::0:20', labelFlips: 'linear:0.2:0:20', featureMatching: 'linear:1:0:20' },
      featureMatching: { layer: 'conv0' },
    }),
  'paced, packed, orthogonal': () =>
    madeSystem('mlp', {
      loss: 'rpgan',
      slowD: { above: 0.6, decay: 0.5 },
      boostD: { below: 0.6, decay: 0.5 },
      pack: 2,
      // Not from orthogonal kernels: for dead units, Adam would follow rounding errors of their products.
      orthogonal: { g: 0.1, d: 0.1 },
      schedules: { orthogonal_g: 'cosine' },
    }),
  'penalised packs with noise, boosted, accumulated': () =>
    madeSystem('wgan-gp', {
      loss: 'hinge',
      pack: 2,
      instanceNoise: 0.1,
      boostD: {},
      accumulate: 2,
      optimizer: 'adamw',
      orthogonal: { d: 0.01 },
      penalties: { 'gradient-penalty': { weight: 10, every: 2 } },
    }),
  'augmented packs with noise, clipped': () =>
    madeSystem('dcgan', {
      augment: 'ada',
      pack: 2,
      instanceNoise: 0.1,
      clipNorm: 1,
      penalties: { r1: { weight: 1, every: 2 } },
    }),
  'consistent packs': () =>
    madeSystem('dcgan', { pack: 2, penalties: { consistency: { weight: 10, every: 2 }, r1: 0.1 } }),
  'consistent under the augmentation of the game, classes': () =>
    madeSystem('conditional', { ...HIDDEN, augment: 'color,cutout', penalties: { consistency: 10 } }),
  'classes with remedies': () =>
    madeSystem('conditional', {
      ...HIDDEN,
      conditioning: 'auxiliary',
      labelFlips: 0.2,
      featureMatching: { layer: 'conv0_leaky', weight: 0.1 },
      instanceNoise: 0.1,
      slowD: {},
      init: 'orthogonal',
    }),
  'clipped weights, uniform latents, sigmoid': () =>
    madeSystem('dcgan', {
      loss: 'wasserstein',
      clipWeights: 0.02,
      distribution: 'uniform',
      output: 'sigmoid',
      accumulate: 2,
      penalties: { r2: { weight: 0.5, every: 2 } },
    }),
  'momentum, clipped both ways': () =>
    madeSystem('mlp', { optimizer: 'sgd', momentum: 0.8, clipNorm: 1, clipValue: 0.5, rates: { g: 1e-2, d: 1e-2 } }),
};

describe.each(Object.entries(GAMES))('%s', (_, make) => {
  test('compiled equals eager, and stays finite', async () => {
    const system = make();
    await expectPlayable(system, host);
    system.dispose();
  });
});

describe('gradients accumulated over three batches', () => {
  /** Weights, moments and averages after two iterations over the same 12 examples, in batches of `batch`. */
  const after = async (batch: number, options: SystemConfigs['mlp']): Promise<Record<string, Float32Array>> => {
    const system = madeSystem('mlp', { ...options, accumulate: 12 / batch, activation: 'tanh' }, batch);
    const { steps, state, dispose } = await running(system, 3, { runtime: host });
    for (let iteration = 0; iteration < 2; iteration++)
      for (const phase of system.phases)
        for (let repeat = 0; repeat < (phase.repeat ?? 1); repeat++) {
          // Rows of one table, independent of the batch size; the last phases take other rows.
          const rows = (width: number, salt: number): Float32Array =>
            Float32Array.from({ length: batch * width }, (_, i) =>
              Math.sin(repeat * batch * width + i + salt + 100 * iteration),
            );
          await steps[phase.name]?.run(
            Object.fromEntries(
              Object.entries(phase.inputs).map(([name, { shape }]) => [
                name,
                shape.length === 0
                  ? tensor('float32', [], Float32Array.of(1e-2))
                  : tensor('float32', shape, rows(shape[1] ?? 1, name === 'z' ? 7 : 0)),
              ]),
            ),
          );
        }
    const found = await state();
    await dispose();
    system.dispose();
    return Object.fromEntries(Object.entries(found).filter(([name]) => !name.startsWith('accumulated')));
  };

  test.each<[string, SystemConfigs['mlp']]>([
    ['Adam', { dSteps: 2 }],
    ['clipped', { dSteps: 2, clipNorm: 0.1, optimizer: 'sgd', momentum: 0.5 }],
    ['a penalty of its own phase', { dSteps: 2, penalties: { r1: { weight: 0.5, every: 2 } } }],
  ])('move the weights as one large batch does, %s', async (_, options) => {
    const [parts, whole] = [await after(4, options), await after(12, options)];
    expect(Object.keys(parts)).toEqual(Object.keys(whole));
    for (const [name, values] of Object.entries(whole))
      expect(parts[name] ?? [], name).toBeAllclose(values, { rtol: 1e-4, atol: 1e-6 });
  });
});
