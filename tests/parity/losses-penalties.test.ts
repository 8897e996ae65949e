// Every loss with every penalty, on 8-pixel networks: three iterations compiled equal eager ones, and 50 stay finite.
// Smoothing, lazy penalties and several steps of D are spread over the pairs.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { lossNames, lossOf, makeSystem, penaltyNames, type GanSystem } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { expectPlayable } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

/** Adam's state after some steps. Its first step is a sign, which rounding decides where a gradient is 0. */
const WARM: readonly [RegExp, number][] = [
  [/^adam_.\/step$/, 10],
  [/\/m$/, 0.01],
  [/\/v$/, 1e-3],
];

function warm(system: GanSystem): GanSystem {
  for (const variable of system.variables) {
    const [, value] = WARM.find(([name]) => name.test(variable.name)) ?? [];
    if (value !== undefined) tf.tidy(() => variable.assign(tf.fill(variable.shape, value)));
  }
  return system;
}

const PAIRS = lossNames().flatMap((loss, i) => penaltyNames().map((penalty, j) => ({ loss, penalty, i, j })));

describe.each(PAIRS)('$loss with $penalty', ({ loss, penalty, i, j }) => {
  test('is the same compiled, and stays finite', async () => {
    const { crossEntropy: smoothable = false } = lossOf(loss);
    const system = warm(
      makeSystem(
        'wgan-gp',
        {
          base: 2,
          latent: 3,
          loss,
          penalties: { [penalty]: { weight: 0.5, every: 1 + ((i + j) % 2) } },
          dSteps: 1 + (j % 2),
          beta1: 0.5,
          beta2: 0.99,
          labelSmoothing: smoothable && j % 2 === 0 ? 0.1 : 0,
          rates: { g: 1e-3, d: 1e-3 },
        },
        {
          batch: 4,
          data: { name: 'noise', count: 8, fields: { image: { shape: [8, 8, 1], dtype: 'float32', range: [-1, 1] } } },
        },
      ),
    );
    await expectPlayable(system, host);
    system.dispose();
  });
});
