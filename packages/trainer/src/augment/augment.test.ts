// Augmentations against PyTorch in float64 with the same draws (tests/vectors/augment.py): results and gradients. And
// ADA's probability against values by hand.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { readVectors } from '../../../../tests/vectors/read.mjs';
import { withGradients } from '../gradients/index.js';
import {
  adaptiveProbability,
  adaptively,
  augmentationNames,
  augmentationOf,
  registerAugmentation,
  type AugmentDraw,
} from './index.js';

interface Packed {
  shape: [number, number, number, number];
  data: Float32Array;
}
const { pictures, weights, cases } = readVectors('augment') as {
  pictures: Packed;
  weights: Packed;
  cases: Record<string, { draws: Record<string, number[]>; result: Packed; slope: Packed }>;
};
const tensor = ({ data, shape }: Packed): tf.Tensor4D => tf.tensor(data, shape as [number, number, number, number]);

describe.each(Object.entries(cases))('%s', (name, { draws, result, slope }) => {
  test('is PyTorch’s, with its gradient', () => {
    const asked: string[] = [];
    const given = (key: string): tf.Tensor => {
      asked.push(key);
      return tf.tensor4d(draws[key] ?? [], [pictures.shape[0] ?? 0, 1, 1, 1]);
    };
    // no augmentation here draws uniform and normal numbers under one name
    const draw: AugmentDraw = { uniform: given, normal: given };
    const of = (x: tf.Tensor4D): tf.Tensor4D =>
      name.startsWith('ada')
        ? adaptively(x, tf.scalar(name === 'ada' ? 0.75 : 0), draw)
        : augmentationOf(name).of(x, draw);
    const x = tensor(pictures);
    expect(of(x).dataSync()).toBeAllclose(result.data, { atol: 2e-6, rtol: 2e-6 });
    expect(new Set(asked)).toEqual(new Set(Object.keys(draws)));
    const found = withGradients(() =>
      tf.grad((at: tf.Tensor) => tf.sum(tf.mul(tf.square(of(at as tf.Tensor4D)), tensor(weights))))(x),
    );
    expect(found.dataSync()).toBeAllclose(slope.data, { atol: 1e-5, rtol: 1e-5 });
  });
});

test('ADA’s probability changes every four batches, towards the target, within 0..1', () => {
  const ada = adaptiveProbability({ target: 0.5, pictures: 40 });
  const p = (): number => Number(ada.p.dataSync()[0]?.toFixed(6));
  const batch = (...signs: number[]): number | undefined =>
    tf.tidy(() => ada.follow(tf.tensor2d(signs, [signs.length, 1])).dataSync()[0]);
  expect(batch(3, 2, 1, 0.5)).toBe(1);
  batch(1, 1, 1, 1);
  batch(1, 1, 1, -1);
  expect(p()).toBe(0);
  expect(batch(-2, 1, -3, 1)).toBe(0); // mean of the four: 0.625, above the target
  expect(p()).toBe(0.4); // 16 pictures of 40
  for (let i = 0; i < 8; i++) batch(1, 1, 1, 1);
  expect(p()).toBe(1);
  for (let i = 0; i < 4; i++) batch(1, -1, 1, -1);
  expect(p()).toBe(0.6);
  for (let i = 0; i < 12; i++) batch(-1, -1, -1, -1);
  expect(p()).toBe(0);
  expect(ada.variables.map(({ name }) => name)).toEqual(['ada/p', 'ada/signs', 'ada/batches']);
  tf.dispose([...ada.variables]);
});

test('users’ augmentations need a new name', () => {
  registerAugmentation({ name: 'darker', of: (x) => tf.mul(x, 0.5) });
  expect(augmentationNames()).toContain('darker');
  expect(() => registerAugmentation({ name: 'flip', of: (x) => x })).toRefuse('usage', 'augmentation.name', "'flip'");
  expect(() => registerAugmentation({ name: 'none yet' } as never)).toRefuse('usage', 'augmentation.of');
  expect(() => augmentationOf('colour')).toRefuse('config.invalid', 'augmentation', "'colour'", "'color'");
});
