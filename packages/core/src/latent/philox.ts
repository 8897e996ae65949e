// Philox4x32-10: a bijection from (counter, key) to 128 random bits. No state: any block of any stream is computed
// directly. Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 4.3. Integer
// arithmetic only, so equal in every engine.
import { UsageError } from '../errors.js';
import { shown } from '../shown.js';

/** A 64-bit Philox key as two unsigned words. */
export interface Key {
  low: number;
  high: number;
}

/**
 * Separates the streams of one seed: the upper byte of the fourth counter word. Changing a number changes every seed's
 * results: append, never renumber.
 */
export const DOMAIN = {
  latents: 0,
  redraws: 1,
  normal: 2,
  uniform: 3,
  bernoulli: 4,
  permutation: 5,
  integer: 6,
} as const;

/**
 * Words of the blocks with counters `(first + i, word1, word2, word3)`, i = 0, 1, …, four per block, until `out` is
 * full. Counter words and key are unsigned 32-bit.
 */
export function philoxWords(
  key: Key,
  word1: number,
  word2: number,
  word3: number,
  out: Uint32Array,
  first = 0,
): Uint32Array {
  const count = out.length;
  for (let at = 0, block = first; at < count; at += 4, block++) {
    let c0 = block | 0;
    let c1 = word1 | 0;
    let c2 = word2 | 0;
    let c3 = word3 | 0;
    let k0 = key.low | 0;
    let k1 = key.high | 0;
    for (let round = 0; round < 10; round++) {
      // High halves of 0xD2511F53·c0 and 0xCD9E8D57·c2 from 16-bit halves: 0xD251 = 53841, 0x1F53 = 8019, 0xCD9E =
      // 52638, 0x8D57 = 36183.
      const l0 = c0 & 0xffff,
        h0 = c0 >>> 16;
      const l2 = c2 & 0xffff,
        h2 = c2 >>> 16;
      const m0 = (Math.imul(53841, l0) + (Math.imul(8019, l0) >>> 16)) | 0;
      const n0 = (Math.imul(8019, h0) + (m0 & 0xffff)) | 0;
      const high0 = (Math.imul(53841, h0) + (m0 >>> 16) + (n0 >>> 16)) | 0;
      const m2 = (Math.imul(52638, l2) + (Math.imul(36183, l2) >>> 16)) | 0;
      const n2 = (Math.imul(36183, h2) + (m2 & 0xffff)) | 0;
      const high2 = (Math.imul(52638, h2) + (m2 >>> 16) + (n2 >>> 16)) | 0;
      const low0 = Math.imul(0xd2511f53, c0);
      const low2 = Math.imul(0xcd9e8d57, c2);
      c0 = high2 ^ c1 ^ k0;
      c1 = low2;
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    out[at] = c0; // stores past the end are ignored; the last block may be incomplete
    out[at + 1] = c1;
    out[at + 2] = c2;
    out[at + 3] = c3;
  }
  return out;
}

/**
 * The key of a seed: its 64 bits. `7` and `7n` are the same seed. Throws UsageError unless it is an integer in 0..2⁶⁴−1
 * (a number: up to 2⁵³−1).
 */
export function keyOf(seed: number | bigint, where: string): Key {
  if (typeof seed === 'bigint' ? seed < 0n || seed >= 1n << 64n : !Number.isSafeInteger(seed) || seed < 0) {
    throw new UsageError(
      `${where}.seed: expected an integer from 0 to 2^53 - 1, or a bigint below 2^64, got ${shown(seed)}`,
      { code: 'input.range' },
    );
  }
  const bits = BigInt(seed);
  return { low: Number(bits & 0xffffffffn), high: Number(bits >> 32n) };
}

/** The two words of a counter that may exceed 32 bits; `value` is a safe integer. */
export function wordsOf(value: number): readonly [low: number, high: number] {
  return [value >>> 0, Math.floor(value / 2 ** 32)];
}
