// Latents of a seed: the numbers a generator turns into pictures.
import { UsageError } from '../errors.js';
import { shown } from '../shown.js';
import { checkInteger } from '../integer.js';
import { normalOfWord, uniformOfWord } from './normal.js';
import { DOMAIN, keyOf, philoxWords, wordsOf } from './philox.js';
import { checkTruncation, truncate, type Truncation } from './truncation.js';

/** Options of {@link latents}. */
export interface LatentOptions {
  /** Default `normal`: standard normals. `uniform`: evenly on [−1, 1). */
  distribution?: 'normal' | 'uniform';
  truncation?: Truncation;
}

const LIMIT = 2 ** 28;

/**
 * Latents `start … start + count − 1` of a seed, row-major `[count, size]`. Entry e of latent i depends on (seed, i, e)
 * only: word e mod 4 of the Philox4x32-10 block with key = the seed's 64 bits and counter = (⌊e/4⌋, i mod 2³², ⌊i/2³²⌋,
 * 0), through `normalOfWord`, rounded to float32. So it is equal bit for bit in every engine, on every machine
 * and at any batch size. Throws UsageError (`input.range`) for a seed outside 0..2⁶⁴−1, or when `count · size` exceeds
 * 2²⁸ (1 GiB).
 */
export function latents(
  seed: number | bigint,
  start: number,
  count: number,
  size: number,
  options: LatentOptions = {},
): Float32Array {
  const { distribution = 'normal', truncation } = Object(options) as LatentOptions;
  const key = keyOf(seed, 'latents');
  checkInteger('latents.start', start, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('latents.size', size, 1, LIMIT);
  checkInteger('latents.count', count, 0, Math.floor(LIMIT / size));
  if (distribution !== 'normal' && distribution !== 'uniform')
    throw new UsageError(`latents.distribution: expected 'normal' or 'uniform', got ${shown(distribution)}`);
  if (truncation !== undefined) checkTruncation('latents.truncation', truncation);
  const of = distribution === 'normal' ? normalOfWord : (word: number) => 2 * uniformOfWord(word) - 1;
  const out = new Float32Array(count * size);
  const words = new Uint32Array(size);
  for (let i = 0; i < count; i++) {
    const [low, high] = wordsOf(start + i);
    philoxWords(key, low, high, DOMAIN.latents << 24, words);
    const row = out.subarray(i * size, (i + 1) * size);
    for (let e = 0; e < size; e++) row[e] = of(words[e] as number); // e < size
    if (truncation !== undefined) truncate(row, key, start + i, truncation, distribution);
  }
  return out;
}
