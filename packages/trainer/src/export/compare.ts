// The criterion of a verification: max |a - b| / max(1e-2, p99.9 of |reference|).

/** How far two lists of numbers are apart. NaN and infinities must stand at the same places; else the distance is infinite. */
export interface Distance {
  max: number;
  p99: number;
  scale: number;
  relative: number;
}

/** Below this the reference counts as small, and errors as absolute. */
const FLOOR = 1e-2;

/** `reference` is tfjs's. Lists of different lengths are infinitely apart. */
export function distance(result: ArrayLike<number>, reference: ArrayLike<number>): Distance {
  if (result.length !== reference.length) return { max: Infinity, p99: Infinity, scale: 0, relative: Infinity };
  const errors = new Float64Array(reference.length);
  const sizes = new Float64Array(reference.length);
  for (let i = 0; i < reference.length; i++) {
    const [a, b] = [result[i] ?? NaN, reference[i] ?? NaN];
    errors[i] = Object.is(a, b) || a === b ? 0 : Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Infinity;
    sizes[i] = Number.isFinite(b) ? Math.abs(b) : 0;
  }
  errors.sort();
  sizes.sort();
  const [max, scale] = [errors.at(-1) ?? 0, quantile(sizes, 0.999)];
  return { max, p99: quantile(errors, 0.99), scale, relative: max / Math.max(FLOOR, scale) };
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
