// The error measure of a verification: max |a - b| / max(1e-2, p99.9 of |reference|). For a reference value b of more
// than ten times that scale, as in sparse outputs, the denominator is |b| / 10 instead.
import { decibels } from '@forja/core';

/** The difference of two arrays. NaN and infinities must be at the same positions, else the difference is infinite. */
export interface Distance {
  max: number;
  p99: number;
  scale: number;
  relative: number;
  /**
   * Counts of relative errors, |a - b| / max(1e-2, scale, |b| / 10), between each bound of `HISTOGRAM` and the previous
   * one; the last entry counts the rest.
   */
  histogram: number[];
}

/** Bounds of an error histogram. The first bound, 0, counts numbers that are exactly equal. */
export const HISTOGRAM: readonly number[] = [0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3];

/** Smallest scale: below it errors are absolute. */
const FLOOR = 1e-2;

/**
 * Outputs may be almost all zeros, with a few values far above p99.9. The rounding errors of float32 grow with the
 * value, so the error of a value above this many times the scale is taken relative to a tenth of the value.
 */
const OUTLIER = 10;

/** `reference` is tfjs's result. Arrays of different lengths differ infinitely. */
export function distance(result: ArrayLike<number>, reference: ArrayLike<number>): Distance {
  if (result.length !== reference.length)
    return {
      max: Infinity,
      p99: Infinity,
      scale: 0,
      relative: Infinity,
      histogram: HISTOGRAM.map(() => 0).concat(reference.length),
    };
  const errors = new Float64Array(reference.length);
  const sizes = new Float64Array(reference.length);
  for (let i = 0; i < reference.length; i++) {
    const [a, b] = [result[i] ?? NaN, reference[i] ?? NaN];
    errors[i] = Object.is(a, b) || a === b ? 0 : Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Infinity;
    sizes[i] = Number.isFinite(b) ? Math.abs(b) : 0;
  }
  const scale = quantile(sizes.slice().sort(), 0.999);
  const unit = Math.max(FLOOR, scale);
  const parts = errors.map((error, i) => error / Math.max(unit, (sizes[i] ?? 0) / OUTLIER)).sort();
  errors.sort();
  return {
    max: errors.at(-1) ?? 0,
    p99: quantile(errors, 0.99),
    scale,
    relative: parts.at(-1) ?? 0,
    histogram: histogramOf(parts),
  };
}

/** Histogram of sorted errors. */
function histogramOf(errors: Float64Array): number[] {
  const below = HISTOGRAM.map((bound) =>
    bound === 0 ? firstAbove(errors, 0, (e) => e > 0) : firstAbove(errors, bound, (e, b) => e >= b),
  );
  return [...below, errors.length].map((count, i) => count - (i === 0 ? 0 : (below[i - 1] ?? 0)));
}

/** Index of the first number in sorted order that is beyond the bound. */
function firstAbove(sorted: Float64Array, bound: number, beyond: (value: number, bound: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (beyond(sorted[middle] ?? 0, bound)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** PSNR reported for identical arrays (really infinite). */
const EQUAL = 200;

/**
 * {@link decibels}, at most 200. `peak`: the span of the values, if known; default: the reference's span or its largest
 * magnitude, whichever is greater.
 */
export function peakToNoise(result: ArrayLike<number>, reference: ArrayLike<number>, peak?: number): number {
  return Math.min(EQUAL, decibels(result, reference, peak ?? spanOf(reference)));
}

function spanOf(reference: ArrayLike<number>): number {
  let [low, high, size] = [Infinity, -Infinity, FLOOR];
  for (let i = 0; i < reference.length; i++) {
    const b = reference[i] ?? NaN;
    if (Number.isFinite(b)) [low, high, size] = [Math.min(low, b), Math.max(high, b), Math.max(size, Math.abs(b))];
  }
  return Math.max(size, high - low);
}
