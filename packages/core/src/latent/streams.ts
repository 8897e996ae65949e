// Random numbers for training: a function of (seed, stream, step) only, so that a resumed run, another machine and a
// browser get the same ones.
import { UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { normalOfWord, uniformOfWord } from './normal.js';
import { DOMAIN, keyOf, philoxWords, wordsOf } from './philox.js';

/**
 * Which numbers to draw: `stream` is the number of the random input within a step (0..2²⁴−1), `step` the step
 * (0..2⁵³−1). Different distributions never share numbers.
 */
export interface StreamPosition {
  seed: number | bigint;
  stream: number;
  step: number;
}

/**
 * `count` standard normals of a stream at a step, computed by `normalOfWord` from the words of Philox4x32-10. A longer
 * draw begins with the numbers of a shorter one.
 */
export function philoxNormal(position: StreamPosition, count: number): Float32Array {
  return fill(wordsAt('philoxNormal', DOMAIN.normal, position, count), normalOfWord);
}

/** `count` uniforms in [0, 1), multiples of 2⁻²⁴. */
export function philoxUniform(position: StreamPosition, count: number): Float32Array {
  return fill(wordsAt('philoxUniform', DOMAIN.uniform, position, count), uniformOfWord);
}

/** `count` numbers that are 1 with probability `p`, to within 2⁻³², else 0. */
export function philoxBernoulli(position: StreamPosition, count: number, p: number): Float32Array {
  if (!(p >= 0 && p <= 1))
    throw new UsageError(`philoxBernoulli.p: expected a probability from 0 to 1, got ${shown(p)}`, {
      code: 'input.range',
    });
  const limit = p * 2 ** 32;
  return fill(wordsAt('philoxBernoulli', DOMAIN.bernoulli, position, count), (word) => (word < limit ? 1 : 0));
}

/**
 * `count` whole numbers n with `from` ≤ n < `below`; the two bounds are at most 2³² apart. Each is a scaled word, so
 * probabilities are exact to within 2⁻³².
 */
export function philoxInteger(position: StreamPosition, count: number, from: number, below: number): Int32Array {
  checkInteger('philoxInteger.from', from, -(2 ** 31), 2 ** 31 - 1);
  checkInteger('philoxInteger.below', below, from + 1, 2 ** 31);
  const words = wordsAt('philoxInteger', DOMAIN.integer, position, count);
  return Int32Array.from(words, (word) => from + Math.floor((word / 2 ** 32) * (below - from)));
}

/** The stream (0..2²⁴−1) of a name: FNV-1a over its UTF-16 units, folded to 24 bits. */
export function streamOf(name: string): number {
  if (typeof name !== 'string') throw new UsageError(`streamOf: expected a name, got ${shown(name)}`);
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ((hash >>> 24) ^ hash) & 0xffffff;
}

/**
 * A permutation of 0..count−1 for an epoch of shuffled data: Fisher-Yates with unbiased draws (words that would favour
 * low results are drawn again). `stream` (0..2²⁴−1) gives several data sets of one seed different orders.
 */
export function permutation(seed: number | bigint, epoch: number, count: number, stream = 0): Uint32Array {
  const key = keyOf(seed, 'permutation');
  checkInteger('permutation.stream', stream, 0, 2 ** 24 - 1);
  checkInteger('permutation.epoch', epoch, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('permutation.count', count, 0, 2 ** 31);
  const [low, high] = wordsOf(epoch);
  const buffer = new Uint32Array(Math.min(4096, count + 16));
  let block = 0;
  let used = buffer.length;
  const next = (): number => {
    if (used === buffer.length) {
      philoxWords(key, low, high, (DOMAIN.permutation << 24) | stream, buffer, block);
      block += Math.ceil(buffer.length / 4);
      used = 0;
    }
    return buffer[used++] as number; // used < length
  };
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const range = last + 1;
    const unfair = 2 ** 32 % range;
    let word = next();
    while (word < unfair) word = next();
    const other = word % range;
    const kept = order[last] as number; // both in 0..count−1
    order[last] = order[other] as number;
    order[other] = kept;
  }
  return order;
}

function wordsAt(where: string, domain: number, position: StreamPosition, count: number): Uint32Array {
  const { seed, stream, step } = optionsOf(where, position);
  const key = keyOf(seed, where);
  checkInteger(`${where}.stream`, stream, 0, 2 ** 24 - 1);
  checkInteger(`${where}.step`, step, 0, Number.MAX_SAFE_INTEGER);
  checkInteger(`${where}.count`, count, 0, 2 ** 30);
  const [low, high] = wordsOf(step);
  return philoxWords(key, low, high, ((domain << 24) | stream) >>> 0, new Uint32Array(count));
}

function fill(words: Uint32Array, of: (word: number) => number): Float32Array {
  const out = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = of(words[i] as number); // i < length
  return out;
}
