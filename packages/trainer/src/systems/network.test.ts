// Networks of users in the place of a system's own: those that fit are used as they are; others are refused, before
// TensorFlow.js refuses them somewhere inside a step.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import type { Circumstances } from './kind.js';
import { networkOf } from './network.js';

const dense = (from: number, to: number[]): tf.LayersModel =>
  tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [from], units: to.reduce((a, b) => a * b, 1) }),
      tf.layers.reshape({ targetShape: to }),
    ],
  });
const judge = (units: number): tf.LayersModel =>
  tf.sequential({ layers: [tf.layers.flatten({ inputShape: [4, 4, 1] }), tf.layers.dense({ units })] });
const patches = (): tf.LayersModel =>
  tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [4, 4, 1], filters: 1, kernelSize: 3 })] });

const used = (role: string, own: tf.LayersModel, ready: () => tf.LayersModel): tf.LayersModel =>
  networkOf({ networks: { [role]: own }, seed: 0 } as unknown as Circumstances, role, ready, () => 1);

test('a network that fits is used, and nothing else stays in memory', () => {
  for (const [role, own, ready] of [
    ['g', dense(3, [4, 4, 1]), () => dense(3, [4, 4, 1])],
    ['d', judge(1), () => judge(1)],
    ['d', patches(), () => judge(1)],
  ] as const) {
    const before = tf.memory().numTensors;
    expect(used(role, own, ready)).toBe(own);
    expect(tf.memory().numTensors).toBe(before);
  }
});

test.each([
  [
    'pictures of another size',
    'g',
    () => dense(3, [2, 2, 1]),
    () => dense(3, [4, 4, 1]),
    ['outputs', '[batch, 2, 2, 1]'],
  ],
  ['latents of another size', 'g', () => dense(5, [4, 4, 1]), () => dense(3, [4, 4, 1]), ['inputs', '[batch, 5]']],
  ['two logits', 'd', () => judge(2), () => judge(1), ['outputs', '[batch, 1]', '[batch, 2]']],
  ['a map of two logits', 'd', () => dense(3, [4, 4, 2]), () => dense(3, [1]), ['outputs', '[batch, 4, 4, 2]']],
] as const)('%s are refused', (_, role, own, ready, words) => {
  expect(() => used(role, own(), ready)).toRefuse('config.invalid', `train.host.networks.${role}`, ...words);
});

test('a network that was disposed is refused', () => {
  const own = judge(1);
  own.dispose();
  expect(() => used('d', own, () => judge(1))).toRefuse('config.invalid', 'train.host.networks.d', 'disposed');
});
