// Latents in Chromium: bit for bit those of tests/vectors/latents.json, which the unit tests compare in Node.
import { latents, latentWalk, philoxNormal } from '@forja/core';
import { expect, test } from 'vitest';
import vectors from '../vectors/latents.json';

const bitsOf = (x: Float32Array): string =>
  [...new Uint32Array(x.buffer, x.byteOffset, x.length)].map((word) => word.toString(16).padStart(8, '0')).join('');

test.each(vectors.latents)(
  'seed $seed from $start, $count × $size $distribution',
  ({ seed, start, count, size, distribution, bits }) => {
    expect(
      bitsOf(latents(BigInt(seed), start, count, size, { distribution: distribution as 'normal' | 'uniform' })),
    ).toBe(bits.join(''));
  },
);

test.each(vectors.streams)('stream $stream of seed $seed at step $step', ({ seed, stream, step, bits }) => {
  expect(bitsOf(philoxNormal({ seed: BigInt(seed), stream, step }, bits.length / 8))).toBe(bits);
});

test('truncated latents and walks have the bits that Node gives', () => {
  const [a, b] = [1, 2].map((seed) => latents(seed, 0, 1, 64, { truncation: 0.8 }));
  expect(fingerprint(latentWalk([a!, b!], 16, { loop: true }))).toBe(WALK);
});

/** FNV-1a over the words. */
function fingerprint(x: Float32Array): string {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(x.buffer)) hash = Math.imul(hash ^ word, 0x01000193);
  return (hash >>> 0).toString(16);
}

const WALK = 'd577c815';
