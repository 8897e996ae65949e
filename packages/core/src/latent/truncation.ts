// Both kinds of truncation of latents: redrawing large entries, and scaling all entries towards the mean. Both give
// less variety, and often cleaner pictures.
import { UsageError } from '../errors.js';
import { shown } from '../shown.js';
import { logOfInteger } from './arithmetic.js';
import { normalOfWord, uniformOfWord } from './normal.js';
import { DOMAIN, type Key, philoxWords, wordsOf } from './philox.js';

/**
 * A number t: entries with |z| > t are redrawn (Brock et al., BigGAN, 2019, section 3.1). `{ psi }`: every entry is
 * multiplied by psi, towards the mean 0.
 */
export type Truncation = number | { psi: number };

/** Throws UsageError unless `truncation` is a positive number or `{ psi }` with psi in 0..2. */
export function checkTruncation(where: string, truncation: Truncation): void {
  const psi = typeof truncation === 'number' ? undefined : (truncation as { psi?: unknown } | null)?.psi;
  if (typeof truncation === 'number' ? truncation > 0 : typeof psi === 'number' && psi >= 0 && psi <= 2) return;
  throw new UsageError(
    `${where}: expected a number above 0 (redraws |z| above it) or { psi } from 0 to 2 (scales), got ` +
      (psi === undefined ? shown(truncation) : `{ psi: ${shown(psi)} }`),
    { code: 'input.range' },
  );
}

/**
 * Truncates latent `index` of a seed in place. Replacements are a function of (seed, index, entry), so they do not
 * depend on batch or machine. They follow the distribution truncated at ±t exactly: for t > 1 normals are drawn until
 * one is inside; for smaller t, where that would take long, uniforms on ±t are accepted with probability exp(−z²/2),
 * tested as z² ≤ −2·ln u with the logarithm of `arithmetic.ts`.
 */
export function truncate(
  z: Float32Array,
  key: Key,
  index: number,
  truncation: Truncation,
  distribution: 'normal' | 'uniform',
): void {
  if (typeof truncation !== 'number') {
    for (let e = 0; e < z.length; e++) z[e] = (z[e] as number) * truncation.psi; // e < length
    return;
  }
  for (let e = 0; e < z.length; e++)
    if (Math.abs(z[e] as number) > truncation) z[e] = redraw(key, index, e, truncation, distribution);
}

function redraw(key: Key, index: number, entry: number, limit: number, distribution: 'normal' | 'uniform'): number {
  const [low, high] = wordsOf(index);
  const words = new Uint32Array(4);
  // A block has two candidates or more, each of which is accepted with a probability above 1/2, so the loop ends.
  for (let attempt = 0; ; attempt++) {
    philoxWords(key, low, high, ((DOMAIN.redraws << 24) | attempt) >>> 0, words, entry);
    const [a, b, c, d] = words as unknown as readonly [number, number, number, number]; // four words per block
    if (distribution === 'uniform') return Math.fround((2 * uniformOfWord(a) - 1) * limit);
    const found =
      limit > 1
        ? [a, b, c, d].map((word) => Math.fround(normalOfWord(word))).find((z) => Math.abs(z) <= limit)
        : (accepted(a, b, limit) ?? accepted(c, d, limit));
    if (found !== undefined) return found;
  }
}

function accepted(place: number, chance: number, limit: number): number | undefined {
  const z = Math.fround((2 * uniformOfWord(place) - 1) * limit);
  return z * z <= -2 * logOfInteger(Math.max(chance, 1), 32) ? z : undefined;
}
