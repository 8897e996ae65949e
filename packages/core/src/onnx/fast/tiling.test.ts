// A tiled axis against the strided sum that defines it, in float64: whole tiles, tiles that overhang, and a smaller
// last tile that shares products.
import { describe, expect, test } from 'vitest';
import { byClass, productsAlong, tiling, tilings, type Axis, type Tiling } from './tiling.js';
import { sharedConvolution, shortConvolution, transpose, type Matrix } from './toom-cook.js';

const times = (matrix: Matrix, v: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, a, i) => sum + a * (v[i] ?? NaN), 0));

/** Outputs of one tiling: products of transformed pixels and taps, over the classes of pixels. */
function outputs(
  { points, tiles, taps, stride, data, output, filter }: Tiling,
  x: readonly number[],
  w: readonly number[],
): number[] {
  const pixels = times(data, x);
  const products = Array.from({ length: points * tiles }, (_, row) =>
    Array.from({ length: stride }, (_unused, kind) => {
      const kernel = Array.from({ length: taps }, (_also, tap) => w[stride * tap + kind] ?? NaN);
      return (pixels[row * stride + kind] ?? NaN) * (times([filter[Math.floor(row / tiles)] ?? []], kernel)[0] ?? NaN);
    }).reduce((a, b) => a + b, 0),
  );
  return times(output, products);
}

const CASES: [large: number, small: number, kernel: number, stride: number, before: number][] = [
  [14, 7, 4, 2, 1],
  [16, 8, 4, 2, 1],
  [13, 5, 4, 2, 0],
  [14, 14, 3, 1, 1],
  [9, 7, 3, 1, 0],
  [6, 3, 4, 2, 1],
  [2, 1, 4, 2, 1],
  [11, 6, 2, 1, 1],
  [15, 5, 6, 3, 1],
  [10, 10, 2, 1, 1],
];

describe.each(CASES)('%i → %i, kernel %i, stride %i, %i before', (large, small, kernel, stride, before) => {
  const axis: Axis = { large, small, kernel, stride, before };
  const x = Array.from({ length: large }, (_, i) => Math.sin(3 * i + 1));
  const w = Array.from({ length: kernel }, (_, i) => Math.cos(2 * i + 1));
  const direct = Array.from({ length: small }, (_, i) =>
    w.reduce((sum, v, k) => sum + v * (x[stride * i + k - before] ?? 0), 0),
  );

  test.each([1, 2, 3, 4])('tiles of %i outputs, overhanging or with a smaller last tile', (m) => {
    const parts = tilings(axis, m);
    const added = parts.map((part) => outputs(part, x, w)).reduce((a, b) => a.map((v, i) => v + (b[i] ?? NaN)));
    const single = outputs(tiling(axis, m), x, w);
    direct.forEach((wanted, i) => {
      expect(added[i]).toBeCloseTo(wanted, 9);
      expect(single[i]).toBeCloseTo(wanted, 9);
    });
    expect(parts.length).toBe(small % m === 0 || small < m ? 1 : 2);
    expect(parts.reduce((n, { points, tiles }) => n + points * tiles, 0)).toBe(productsAlong(axis, m));
    expect(productsAlong(axis, m)).toBeLessThanOrEqual(tiling(axis, m).points * tiling(axis, m).tiles);
    // the same rows in another order
    for (const part of parts) expect([...byClass(part)].sort()).toEqual([...part.data].sort());
  });
});

test('7 outputs of 2 taps take 9 products, 14 of 3 taps 22', () => {
  expect(productsAlong({ large: 14, small: 7, kernel: 4, stride: 2, before: 1 }, 4)).toBe(9);
  expect(productsAlong({ large: 14, small: 14, kernel: 3, stride: 1, before: 1 }, 4)).toBe(22);
});

test.each([
  [4, 3, 2],
  [4, 1, 2],
  [3, 2, 3],
  [4, 2, 3],
])('F(%i, ·) shares products with F(%i, %i): the taps are the same', (m, least, r) => {
  const { conv, products } = sharedConvolution(m, least, r);
  const longer = shortConvolution(m, r);
  expect(products).toHaveLength(least + r - 1);
  products.forEach((product, i) => expect(conv.taps[i]).toEqual(longer.taps[product]));
  expect(transpose(conv.data)).toHaveLength(least + r - 1);
});
