// A data set's classes apart: which examples each has, of the holdout too, in the order of the data.
import { expect, test } from 'vitest';
import { arrayDataset } from './arrays.js';
import { byClass } from './by-class.js';
import type { Dataset } from './dataset.js';

const of = (labels: number[], first: number, holdout?: Dataset): Dataset =>
  arrayDataset({
    fields: {
      image: { data: Float32Array.from(labels, (_, i) => first + i), shape: [1] },
      label: { data: Int32Array.from(labels), shape: [], classes: ['cat', 'dog', 'fox'] },
    },
    name: 'animals',
    ...(holdout ? { holdout } : {}),
  });

async function values(dataset: Dataset | undefined): Promise<number[]> {
  if (!dataset) return [];
  const image = new Float32Array(dataset.count);
  await dataset.read(Array.from(image.keys()), { image });
  return [...image];
}

test('each class has its own examples, and those of the holdout', async () => {
  const parts = await byClass(of([2, 0, 0, 2, 1, 0], 10, of([1, 1, 0], 20)));
  expect(parts.map(({ name, dataset }) => [name, dataset.name, dataset.count])).toEqual([
    ['cat', 'animals, cat', 3],
    ['dog', 'animals, dog', 1],
    ['fox', 'animals, fox', 2],
  ]);
  expect(await Promise.all(parts.map(({ dataset }) => values(dataset)))).toEqual([[11, 12, 15], [14], [10, 13]]);
  expect(await Promise.all(parts.map(({ dataset }) => values(dataset.holdout)))).toEqual([[22], [20, 21], []]);
});

test('labels are still those of the class', async () => {
  const [, , fox] = await byClass(of([2, 0, 2], 0));
  const label = new Int32Array(2);
  await fox?.dataset.read([1, 0], { label });
  expect([...label]).toEqual([2, 2]);
});

test('data without labels is refused', async () => {
  const plain = arrayDataset({ data: Float32Array.of(1, 2), shape: [1] });
  await expect(byClass(plain)).rejects.toMatchObject({ code: 'config.invalid' });
});
