// Kernel distance of features (Bińkowski et al. 2018, "Demystifying MMD GANs", section 4): the squared maximum mean
// discrepancy under k(x, y) = (x·y/d + 1)³, in its unbiased form, averaged over subsets.
import { permutation, streamOf } from '@forja/core';
import { checkAlike, pick, slice, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** Examples per subset, as in the paper. */
const SUBSET = 1000;

/** Σ k(aᵢ, bⱼ), without i = j if `same`. */
function kernelSum(a: Rows, b: Rows, same: boolean): number {
  const { columns } = a;
  let sum = 0;
  for (let i = 0; i < a.rows; i++)
    for (let j = same ? i + 1 : 0; j < b.rows; j++) {
      let dot = 0;
      for (let k = 0, p = i * columns, q = j * columns; k < columns; k++, p++, q++) dot += a.data[p]! * b.data[q]!;
      const base = dot / columns + 1;
      sum += base * base * base;
    }
  return same ? 2 * sum : sum;
}

/** The unbiased estimate of the squared discrepancy; near 0 for equal distributions, possibly below. */
export function kernelDistance(a: Rows, b: Rows): number {
  checkAlike('kid', a, b, 2);
  const [m, n] = [a.rows, b.rows];
  return (
    kernelSum(a, a, true) / (m * (m - 1)) +
    kernelSum(b, b, true) / (n * (n - 1)) -
    (2 * kernelSum(a, b, false)) / (m * n)
  );
}

/**
 * Mean and standard deviation of {@link kernelDistance} over disjoint subsets of `size` shuffled examples of both
 * sides. With fewer examples: one subset of all, without a deviation.
 */
export function kernelDistances(a: Rows, b: Rows, size = SUBSET, seed = 0): { kid: number; kid_sd?: number } {
  checkAlike('kid', a, b, 2);
  const subsets = Math.max(1, Math.floor(Math.min(a.rows, b.rows) / size));
  if (subsets === 1) return { kid: kernelDistance(a, b) };
  const shuffled = (rows: Rows, side: number): Rows =>
    pick(rows, permutation(seed, side, rows.rows, streamOf('metrics/kid')));
  const [first, second] = [shuffled(a, 0), shuffled(b, 1)];
  const values = Array.from({ length: subsets }, (_, i) =>
    kernelDistance(slice(first, i * size, (i + 1) * size), slice(second, i * size, (i + 1) * size)),
  );
  const mean = values.reduce((sum, v) => sum + v, 0) / subsets;
  return { kid: mean, kid_sd: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (subsets - 1)) };
}

/** The measure. */
export const kidMetric: Metric = {
  name: 'kid',
  summary: 'kernel distance of features, unbiased: for small counts',
  scores: { kid: 'less' },
  least: 2,
  measure: async ({ made, real, seed }) => kernelDistances(await made.features(), await real.features(), SUBSET, seed),
};
