// Interpolation between two latents.
import { UsageError } from '../errors.js';
import { classOf } from '../realm.js';
import { shown } from '../shown.js';
import { angleOfCosine, sinOfAngle } from './angles.js';

/**
 * Linear: `(1 − at)·a + at·b`. Halfway between two normal latents its norm is smaller than either's, which makes
 * pictures bland; see {@link slerp}.
 */
export function lerp(a: Float32Array, b: Float32Array, at: number): Float32Array {
  checkPair('lerp', a, b, at);
  return blend(a, b, 1 - at, at);
}

/**
 * Spherical: `sin((1 − at)·ω)/sin ω · a + sin(at·ω)/sin ω · b`, ω the angle between them (Shoemake 1985; White,
 * "Sampling Generative Networks", 2016, section 2.1). Linear where that is undefined: for a zero vector, and for
 * parallel or opposite vectors. `at` in 0..1; the ends are exactly `a` and `b`. Equal bit for bit in every engine,
 * because angles.ts computes sin and acos. Throws UsageError when lengths differ.
 */
export function slerp(a: Float32Array, b: Float32Array, at: number): Float32Array {
  checkPair('slerp', a, b, at);
  if (at === 0 || at === 1) return (at === 0 ? a : b).slice();
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number]; // equal lengths
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const cosine = ab / (Math.sqrt(aa) * Math.sqrt(bb));
  if (!(Math.abs(cosine) < 1 - 1e-12)) return blend(a, b, 1 - at, at);
  const angle = angleOfCosine(cosine);
  const sine = sinOfAngle(angle);
  return blend(a, b, sinOfAngle((1 - at) * angle) / sine, sinOfAngle(at * angle) / sine);
}

function blend(a: Float32Array, b: Float32Array, wa: number, wb: number): Float32Array {
  return a.map((x, i) => wa * x + wb * (b[i] as number)); // equal lengths
}

function checkPair(where: string, a: Float32Array, b: Float32Array, at: number): void {
  for (const latent of [a, b])
    if (classOf(latent) !== 'Float32Array')
      throw new UsageError(`${where}: expected two Float32Arrays, got ${shown(latent)}`, { code: 'input.shape' });
  if (a.length !== b.length)
    throw new UsageError(`${where}: expected two latents of one size, got ${a.length} and ${b.length}`, {
      code: 'input.shape',
    });
  if (!(typeof at === 'number' && at >= 0 && at <= 1))
    throw new UsageError(`${where}.at: expected a number from 0 to 1, got ${shown(at)}`, { code: 'input.range' });
}
