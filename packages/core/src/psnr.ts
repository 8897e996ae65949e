// The peak signal-to-noise ratio, used to compare half precision, and weights stored in fewer bits, with float32.
import { UsageError } from './errors.js';
import { shown } from './shown.js';

/** Decibels that results in half precision must reach. */
export const LEAST_DECIBELS = 45;

/**
 * Peak signal-to-noise ratio in decibels: 20·log10(peak / √mean((a - b)²)). `peak`: the span of the values. Infinity
 * for equal arrays, -Infinity if NaN or infinity are at different positions, or the lengths differ.
 */
export function decibels(
  result: ArrayLike<number | bigint>,
  reference: ArrayLike<number | bigint>,
  peak: number,
): number {
  checkNumbers('decibels', result, reference);
  if (result.length !== reference.length) return -Infinity;
  let squares = 0;
  for (let i = 0; i < reference.length; i++) {
    const [a, b] = [Number(result[i]), Number(reference[i])];
    if (Object.is(a, b) || a === b) continue;
    if (!Number.isFinite(a) || !Number.isFinite(b)) return -Infinity;
    squares += (a - b) ** 2;
  }
  return squares === 0 ? Infinity : 20 * Math.log10(peak / Math.sqrt(squares / reference.length));
}

/** {@link decibels} with the span of `wanted` as the peak; NaN if one of its values is not finite. */
export function psnr(wanted: ArrayLike<number | bigint>, got: ArrayLike<number | bigint>): number {
  checkNumbers('psnr', wanted, got);
  const span = spanOf(wanted);
  return Number.isFinite(span) ? decibels(got, wanted, span) : NaN;
}

/**
 * Largest minus smallest value; if all are equal, their magnitude, or 1 if they are 0. NaN if a value is not finite.
 */
function spanOf(values: ArrayLike<number | bigint>): number {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (!Number.isFinite(value)) return NaN;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high - low || Math.abs(high) || 1;
}

function checkNumbers(where: string, ...arrays: ArrayLike<number | bigint>[]): void {
  for (const values of arrays)
    if (typeof (Object(values) as ArrayLike<number>).length !== 'number')
      throw new UsageError(`${where}: expected two arrays of numbers, got ${shown(values)}`);
}
