// F(m, r) against the sum that defines it, in float64, and the published F(2, 3) of Lavin and Gray 2016.
import { describe, expect, test } from 'vitest';
import { shortConvolution, transpose, type Matrix } from './toom-cook.js';

const times = (matrix: Matrix, v: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, a, i) => sum + a * (v[i] ?? NaN), 0));

describe('F(m, r)', () => {
  test.each([
    [1, 1],
    [1, 2],
    [2, 2],
    [3, 2],
    [4, 2],
    [7, 2],
    [1, 3],
    [2, 3],
    [3, 3],
    [4, 3],
    [6, 3],
  ])('F(%i, %i) correlates, by %i + %i - 1 products', (m, r) => {
    const { output, taps, data } = shortConvolution(m, r);
    const n = m + r - 1;
    expect([output.length, taps.length, data.length, output[0]?.length, taps[0]?.length, data[0]?.length]).toEqual([
      m,
      n,
      n,
      n,
      r,
      n,
    ]);
    const d = Array.from({ length: n }, (_, i) => Math.sin(3 * i + 1));
    const g = Array.from({ length: r }, (_, i) => Math.cos(2 * i + 1));
    const left = times(taps, g);
    const products = times(data, d).map((v, i) => v * (left[i] ?? NaN));
    const direct = Array.from({ length: m }, (_, i) => g.reduce((sum, w, a) => sum + w * (d[i + a] ?? NaN), 0));
    times(output, products).forEach((v, i) => expect(v).toBeCloseTo(direct[i] ?? NaN, 10));
  });

  test('F(2, 3) has the published constants, up to the signs of products', () => {
    const { output, taps, data } = shortConvolution(2, 3);
    const sizes = (matrix: Matrix): number[][] => matrix.map((row) => row.map((v) => Math.abs(v)));
    expect(sizes(data)).toEqual([
      [1, 0, 1, 0],
      [0, 1, 1, 0],
      [0, 1, 1, 0],
      [0, 1, 0, 1],
    ]);
    expect(sizes(taps)).toEqual([
      [1, 0, 0],
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
      [0, 0, 1],
    ]);
    expect(sizes(output)).toEqual([
      [1, 1, 1, 0],
      [0, 1, 1, 1],
    ]);
  });

  test('refuses more products than float32 bears', () => {
    expect(() => shortConvolution(8, 2)).toThrow('F(8, 2): expected at most 8 products, got 9');
  });

  test('transpose exchanges rows and columns', () => {
    expect(
      transpose([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
  });
});
