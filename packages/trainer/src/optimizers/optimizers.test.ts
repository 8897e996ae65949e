// Optimizers against tfjs's own over ten steps, and their errors.
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adam, applyUpdates, ema, rmsprop, sgd, type Optimizer } from './index.js';

const variable = (initial: () => tf.Tensor, name?: string): tf.Variable =>
  tf.tidy(() => tf.variable(initial(), true, name));

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

const START = [0.5, -1.25, 3, 0.01];
const SCALES = tf.util.toTypedArray([1, -0.3, 4, 1e-3], 'float32') as Float32Array; // one gradient is tiny

const PAIRS: Record<string, { ours: () => Optimizer; theirs: (rate: number) => tf.Optimizer; rtol: number }> = {
  adam: { ours: () => adam(), theirs: (rate) => tf.train.adam(rate, 0.9, 0.999, 1e-8), rtol: 2e-5 },
  'adam as GANs use it': {
    ours: () => adam({ beta1: 0.5 }),
    theirs: (rate) => tf.train.adam(rate, 0.5, 0.999, 1e-8),
    rtol: 2e-5,
  },
  sgd: { ours: () => sgd(), theirs: (rate) => tf.train.sgd(rate), rtol: 1e-6 },
  momentum: { ours: () => sgd({ momentum: 0.8 }), theirs: (rate) => tf.train.momentum(rate, 0.8), rtol: 1e-6 },
  nesterov: {
    ours: () => sgd({ momentum: 0.8, nesterov: true }),
    theirs: (rate) => tf.train.momentum(rate, 0.8, true),
    rtol: 1e-6,
  },
  // tfjs adds epsilon inside the root; too small to matter here
  rmsprop: {
    ours: () => rmsprop({ decay: 0.9, epsilon: 1e-12 }),
    theirs: (rate) => tf.train.rmsprop(rate, 0.9, 0, 1e-15),
    rtol: 1e-5,
  },
};

describe.each(Object.keys(PAIRS))('%s', (name) => {
  test('takes the steps that tfjs takes', () => {
    const pair = PAIRS[name];
    if (pair === undefined) throw new Error(name);
    const [mine, yours] = [variable(() => tf.tensor1d(START)), variable(() => tf.tensor1d(START))];
    const optimizer = pair.ours().prepare([mine]);
    const reference = pair.theirs(0.05);
    for (let i = 0; i < 10; i++) {
      const slope = Float32Array.from(SCALES, (s) => s * Math.cos(i + s)); // a new direction each step
      tf.tidy(() => applyUpdates(optimizer([mine], [tf.tensor1d(slope)], tf.scalar(0.05))));
      tf.tidy(() => reference.applyGradients({ [yours.name]: tf.tensor1d(slope) }));
    }
    expect(mine.dataSync()).toBeAllclose(yours.dataSync(), { rtol: pair.rtol, atol: pair.rtol });
    optimizer.dispose();
    reference.dispose();
    mine.dispose();
    yours.dispose();
    // tfjs's optimizers keep scalars besides their moments
    before = tf.memory().numTensors;
  });
});

test('adam corrects its bias exactly at the first steps, where 1 − 0.999ᵗ in float32 has three digits', () => {
  const w = variable(() => tf.tensor1d([0]));
  const optimizer = adam({ beta1: 0.5, beta2: 0.999, epsilon: 0 }).prepare([w]);
  for (let t = 1; t <= 3; t++) {
    tf.tidy(() => applyUpdates(optimizer([w], [tf.tensor1d([2])], tf.scalar(1))));
    expect(w.dataSync()).toBeAllclose([-t], { rtol: 5e-7 * t }); // a constant gradient: every step is exactly the rate
  }
  optimizer.dispose();
  w.dispose();
});

test('state is named after the optimizer and the variables', () => {
  const [w, b] = [
    variable(() => tf.zeros([2, 3]), 'optimizers-test/w'),
    variable(() => tf.zeros([3]), 'optimizers-test/b'),
  ];
  const optimizer = adam({ name: 'adam_g' }).prepare([w]).prepare([w, b]);
  expect(optimizer.state.map((v) => [v.name, v.shape])).toEqual([
    ['adam_g/step', []],
    ['optimizers-test/w/m', [2, 3]],
    ['optimizers-test/w/v', [2, 3]],
    ['optimizers-test/b/m', [3]],
    ['optimizers-test/b/v', [3]],
  ]);
  optimizer.dispose();
  tf.dispose([w, b]);
});

test('variables that were not prepared or have no gradient are refused by name', () => {
  const w = variable(() => tf.zeros([2]), 'optimizers-test/unprepared');
  const optimizer = adam();
  tf.tidy(() => {
    expect(() => optimizer([w], [tf.zeros([2])], tf.scalar(1))).toThrow(
      "adam: expected prepared variables, got 'optimizers-test/unprepared', which is not prepared; call prepare(variables) before the step",
    );
    optimizer.prepare([w]);
    expect(() => optimizer([w], {}, tf.scalar(1))).toThrow(
      "adam: expected a gradient of variable 'optimizers-test/unprepared', got none; the loss does not depend on it",
    );
  });
  optimizer.dispose();
  w.dispose();
});

describe('ema', () => {
  test('follows its variables, with a warm-up that forgets the start', () => {
    const w = variable(() => tf.tensor1d([1, 2]));
    const plain = ema([w], 0.9);
    const warm = ema([w], 0.9, { warmup: true, name: 'warm' });
    const wanted = { plain: [1, 2], warm: [1, 2] };
    for (let n = 0; n < 100; n++) {
      tf.tidy(() => {
        w.assign(tf.add(w, 0.5));
        applyUpdates([...plain(), ...warm()]);
      });
      const values = w.dataSync();
      const follow = (average: number[], decay: number): number[] =>
        average.map((a, i) => decay * a + (1 - decay) * (values[i] ?? NaN));
      wanted.plain = follow(wanted.plain, 0.9);
      wanted.warm = follow(wanted.warm, Math.min(0.9, (1 + n) / (10 + n)));
    }
    expect(plain.averages[0]?.dataSync() ?? []).toBeAllclose(wanted.plain, { rtol: 1e-5 });
    expect(warm.averages[0]?.dataSync() ?? []).toBeAllclose(wanted.warm, { rtol: 1e-5 });
    expect(warm.state.map((v) => v.name)).toEqual(['warm/step', `warm/${w.name}`]);
    plain.dispose();
    warm.dispose();
    w.dispose();
  });

  test('refuses a decay of 1 and averages of another shape', () => {
    const [w, other] = [variable(() => tf.zeros([2])), variable(() => tf.zeros([3]))];
    expect(() => ema([w], 1)).toRefuse('input.range', 'ema.decay', 'got 1');
    expect(() => ema([w], 0.9, { averages: [other] })).toThrow(
      'ema.averages: expected one variable of equal shape for each averaged one',
    );
    tf.dispose([w, other]);
  });
});
