// Orthogonal regularisation and orthogonal kernels against their definitions in double precision.
import { philoxNormal } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { initialise, orthonormal } from '../models/initialise.js';
import { kernelsOf, orthogonality } from './orthogonal.js';

const normals = (count: number): Float32Array => philoxNormal({ seed: 3, stream: 1, step: 0 }, count);

/** Products of the columns of a matrix [rows, columns]. */
function products(values: ArrayLike<number>, columns: number): number[] {
  const rows = values.length / columns;
  return Array.from({ length: columns * columns }, (_, at) => {
    const [a, b] = [Math.floor(at / columns), at % columns];
    return Array.from({ length: rows }).reduce<number>(
      (sum, __, r) => sum + Number(values[r * columns + a]) * Number(values[r * columns + b]),
      0,
    );
  });
}
const offDiagonal = (values: readonly number[], columns: number): number =>
  values.reduce((sum, x, at) => sum + (at % (columns + 1) === 0 ? 0 : x * x), 0);

test('sums products of different filters, for every axis of filters', () => {
  tf.tidy(() => {
    const [dense, transposed] = [normals(12), normals(2 * 2 * 3 * 5)];
    // [height, width, out, in] to columns of out
    const columns = Array.from({ length: 60 }, (_, at) => {
      const [row, out] = [Math.floor(at / 3), at % 3];
      return transposed[(Math.floor(row / 5) * 3 + out) * 5 + (row % 5)] ?? NaN;
    });
    const got = orthogonality([
      { weight: tf.tensor(dense, [4, 3]), filters: 1 },
      { weight: tf.tensor(transposed, [2, 2, 3, 5]), filters: 2 },
    ]);
    const wanted = offDiagonal(products(dense, 3), 3) + offDiagonal(products(columns, 3), 3);
    expect(got.dataSync()).toBeAllclose([wanted], { rtol: 1e-5 });
  });
});

describe.each([
  [20, 4],
  [4, 20],
  [6, 6],
])('a kernel of %i × %i', (rows, columns) => {
  test('is orthonormal along its shorter side', () => {
    const made = orthonormal(normals(rows * columns), columns);
    const flipped = Array.from(
      { length: rows * columns },
      (_, at) => made[(at % rows) * columns + Math.floor(at / rows)],
    );
    const [values, size] = rows >= columns ? [made, columns] : [flipped as number[], rows];
    const identity = Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
    expect(products(values, size)).toBeAllclose(identity, { atol: 1e-6 });
  });
});

test('a network has orthogonal kernels, found by kernelsOf, and its other weights unchanged', () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 36, inputShape: [4] }),
      tf.layers.reshape({ targetShape: [3, 3, 4] }),
      tf.layers.batchNormalization(),
      tf.layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' }),
      tf.layers.conv2d({ filters: 5, kernelSize: 3, padding: 'same' }),
    ],
  });
  initialise(model, { seed: 1, deviation: () => 7, kernels: 'orthogonal' });
  const kernels = kernelsOf(model);
  expect(kernels.map(({ weight, filters }) => [weight.shape, filters])).toEqual([
    [[4, 36], 1],
    [[3, 3, 2, 4], 2],
    [[3, 3, 2, 5], 3],
  ]);
  const [last] = kernels.slice(-1);
  expect(tf.tidy(() => orthogonality(last === undefined ? [] : [last]).dataSync())).toBeAllclose([0], { atol: 1e-10 });
  model.dispose();
});
