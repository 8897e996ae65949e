// The criterion of a verification: max |a - b| / max(1e-2, p99.9 of |reference|). A value b of ten times that size and
// more, as sparse outputs have, is held to a tenth of |b|.

/**
 * How far two lists of numbers are apart. NaN and infinities must stand at the same places; else the distance is
 * infinite.
 */
export interface Distance {
  max: number;
  p99: number;
  scale: number;
  relative: number;
  /**
   * How many errors, as parts of max(1e-2, scale, |b| / 10), lie below each of {@link HISTOGRAM} and not below the one
   * before; the last are the rest.
   */
  histogram: number[];
}

/** Bounds of an error histogram; the first, 0, counts what is exactly equal. */
export const HISTOGRAM: readonly number[] = [0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3];

/** Below this the reference counts as small, and errors as absolute. */
const FLOOR = 1e-2;

/**
 * Where nearly all of an output is about zero, what is not is so many times larger than p99.9, and float32 rounds it in
 * proportion.
 */
const OUTLIER = 10;

/** `reference` is tfjs's. Lists of different lengths are infinitely apart. */
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

/** Counts of sorted errors. */
function histogramOf(errors: Float64Array): number[] {
  const below = HISTOGRAM.map((bound) =>
    bound === 0 ? firstAbove(errors, 0, (e) => e > 0) : firstAbove(errors, bound, (e, b) => e >= b),
  );
  return [...below, errors.length].map((count, i) => count - (i === 0 ? 0 : (below[i - 1] ?? 0)));
}

/** Index of the first of sorted numbers that is beyond the bound. */
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

/** As much as is told of numbers that are equal. */
const EQUAL = 200;

/**
 * Peak signal-to-noise ratio in decibels: 20·log10(peak / √mean((a - b)²)), at most 200. `peak` is what the numbers may
 * span, where that is known; else what the reference spans, or its largest size. Minus infinity where NaN or infinity
 * stand at other places, or the lists are of different lengths.
 */
export function peakToNoise(result: ArrayLike<number>, reference: ArrayLike<number>, peak?: number): number {
  if (result.length !== reference.length) return -Infinity;
  let [low, high, size, squares] = [Infinity, -Infinity, FLOOR, 0];
  for (let i = 0; i < reference.length; i++) {
    const [a, b] = [result[i] ?? NaN, reference[i] ?? NaN];
    if (Number.isFinite(b)) [low, high, size] = [Math.min(low, b), Math.max(high, b), Math.max(size, Math.abs(b))];
    if (Object.is(a, b) || a === b) continue;
    if (!Number.isFinite(a) || !Number.isFinite(b)) return -Infinity;
    squares += (a - b) ** 2;
  }
  const span = peak ?? Math.max(size, high - low);
  return squares === 0 ? EQUAL : Math.min(EQUAL, 20 * Math.log10(span / Math.sqrt(squares / reference.length)));
}
