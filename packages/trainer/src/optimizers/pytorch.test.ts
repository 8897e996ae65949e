// Optimizers and clipping against PyTorch in float64 (tests/vectors/optimizers.py), and what clipping refuses.
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { adam, adamw, applyUpdates, clipByGlobalNorm, clipGradients, rmsprop, sgd, type Optimizer } from './index.js';

interface Case {
  name: 'adam' | 'adamw' | 'rmsprop' | 'sgd';
  options: object;
  clip: { norm?: number; value?: number };
  after: number[][];
}
const { start, rate, cases } = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/optimizers.json', import.meta.url), 'utf8'),
) as { start: [number[], number[][]]; rate: number; cases: Case[] };

const MAKERS: Record<Case['name'], (options: object) => Optimizer> = { adam, adamw, rmsprop, sgd };

test.each(cases)('$name $options, clipped at $clip', ({ name, options, clip, after }) => {
  const weights = tf.tidy(() => [tf.variable(tf.tensor(start[0])), tf.variable(tf.tensor(start[1]))]);
  const optimizer = MAKERS[name](options).prepare(weights);
  for (let i = 0; i < 10; i++)
    tf.tidy(() => {
      const slopes = start.map((values) =>
        tf.tidy(() => {
          const s = tf.tensor(values);
          return tf.mul(s, tf.cos(tf.add(s, i)));
        }),
      );
      const cut = clip.value === undefined ? slopes : clipGradients(slopes, clip.value);
      const scaled = clip.norm === undefined ? cut : clipByGlobalNorm(cut, clip.norm);
      applyUpdates(optimizer(weights, scaled, tf.scalar(rate)));
    });
  weights.forEach((weight, i) => expect(weight.dataSync()).toBeAllclose(after[i] ?? [], { rtol: 2e-5, atol: 2e-5 }));
  tf.dispose(weights);
  optimizer.dispose();
});

test('a bound that is not above 0, and a decay below, are refused', () => {
  expect(() => clipByGlobalNorm([], 0)).toRefuse('input.range', 'clipByGlobalNorm', 'got 0');
  expect(() => clipGradients([], NaN)).toRefuse('input.range', 'clipGradients', 'NaN');
  expect(() => adamw({ weightDecay: -1 })).toRefuse('input.range', 'adamw.weightDecay', '-1');
});
