// The peak signal-to-noise ratio: how half precision is compared with float32, in exports and when a model is loaded.

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
