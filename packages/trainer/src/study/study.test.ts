// The parts of a study of augmentation: how data is divided and drawn, and the figures, against numbers by hand.
import { describe, expect, test } from 'vitest';
import { arrayDataset } from '../data/arrays.js';
import type { Dataset } from '../data/dataset.js';
import { borderOf } from './classifier.js';
import { armResults, tableOf, type StudyRun } from './results.js';
import { divided, smallSet } from './small-set.js';

/** Pictures of two pixels, the first of which is the example's number; classes in turn. */
const numbered = (count: number, holdout?: Dataset): Dataset =>
  arrayDataset({
    data: Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i / 2 : 0)),
    shape: [1, 2, 1],
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
    classes: ['a', 'b', 'c'],
    ...(holdout ? { holdout } : {}),
  });

describe('data', () => {
  test('without a holdout: a fifth is for testing, whatever the seed, and never in a small set', async () => {
    const data = divided(numbered(30));
    const tested = [...data.test.indices];
    expect(tested).toHaveLength(6);
    expect([...tested, ...data.pool.indices].sort((a, b) => a - b)).toEqual([...Array(30).keys()]);
    expect(tested).toEqual([...divided(numbered(30)).test.indices]);
    const sets = await Promise.all([0, 1].map((seed) => smallSet(data, 4, seed)));
    const drawn = sets.map(({ images }) => [...images].filter((_, i) => i % 2 === 0));
    expect(drawn[0]).not.toEqual(drawn[1]);
    for (const [i, numbers] of drawn.entries()) {
      expect(new Set(numbers).size).toBe(12);
      expect(numbers.filter((n) => tested.includes(n))).toEqual([]);
      expect([...(sets[i]?.labels ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
      expect(numbers.map((n) => n % 3)).toEqual([...(sets[i]?.labels ?? [])]);
    }
  });

  test('with a holdout: all of it, and small sets of all the rest', async () => {
    const data = divided(numbered(9, numbered(6)));
    expect([data.test.indices.length, data.pool.indices.length]).toEqual([6, 9]);
    const { images } = await smallSet(data, 3, 5);
    expect([...images].filter((_, i) => i % 2 === 0).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    await expect(smallSet(data, 4, 5)).rejects.toRefuse(
      'config.invalid',
      '--per-class: ',
      "3 examples of class 'a'",
      'got 4',
    );
  });

  test('without classes, or without pictures, is refused', () => {
    const images = { data: Float32Array.of(0, 0), shape: [1, 1, 1] };
    expect(() => divided(arrayDataset({ ...images, labels: [0, 0] }))).toRefuse('config.invalid', 'two classes');
    expect(() => divided(arrayDataset(images))).toRefuse('data.field', "'label'");
    const points = arrayDataset({ data: Float32Array.of(0, 0), shape: [1], labels: [0, 1], classes: ['a', 'b'] });
    expect(() => divided(points)).toRefuse('data.field', "'image'");
  });

  test('what comes in from outside has the mean value of the border', () => {
    // of 3 × 4 pixels, the ten at the border are 1, those inside 7
    const inside = [5, 6];
    const images = Float32Array.from({ length: 12 }, (_, i) => (inside.includes(i) ? 7 : 1));
    expect(borderOf({ count: 1, shape: [3, 4, 1], images, labels: Int32Array.of(0) })).toBe(1);
    const line = Float32Array.of(2, 4, 6);
    expect(borderOf({ count: 1, shape: [3, 1, 1], images: line, labels: Int32Array.of(0) })).toBe(4);
  });
});

test('figures: mean, deviation, and differences between runs of the same small set and seed', () => {
  const run = (arm: string, seed: number, accuracy: number): StudyRun => ({ arm, seed, accuracy, subset: 0, loss: 0 });
  const runs = [
    ...[0.9, 0.92, 0.94].map((accuracy, seed) => run('real', seed, accuracy)),
    ...[0.95, 0.93, 0.94].map((accuracy, seed) => run('gan', seed, accuracy)),
  ];
  const [real, gan] = armResults(runs);
  expect([real?.mean, real?.sd, gan?.mean, gan?.sd]).toBeAllclose([0.92, 0.02, 0.94, 0.01], { rtol: 1e-9 });
  // 0.05, 0.01, 0: mean 0.02, squares 9 + 1 + 4 of 1e-4, over two
  const { mean, sd } = gan?.gains['real'] ?? {};
  expect([mean, sd]).toBeAllclose([0.02, Math.sqrt(7) / 100], { rtol: 1e-9 });
  expect(gan?.gains['classical']).toBeUndefined();
  expect(tableOf(armResults(runs))).toEqual([
    '| trained on | accuracy, %  | against real | against real, augmented | runs |',
    '|------------|--------------|--------------|-------------------------|------|',
    '| real       | 92.00 ± 2.00 |              |                         | 3    |',
    '| real + GAN | 94.00 ± 1.00 | +2.00 ± 2.65 |                         | 3    |',
  ]);
});
