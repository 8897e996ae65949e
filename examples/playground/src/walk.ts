// An endless walk through latent space: every picture of the grid moves by slerp from its latent of one seed to its
// latent of the next seed.
import { latents, slerp } from '@forja/core';
import type { Manifest } from '@forja/core';

/** One frame: latents of all pictures, `[count, size]`, `at` (0 ≤ at < 1) of the way from seed `from` to the next. */
export interface WalkFrame {
  latents: Float32Array;
  from: number;
  at: number;
}

const FRAMES_PER_SEED = 48;

/** Endless frames, from `seed` on. */
export function* walkFrames(
  manifest: Manifest,
  seed: number,
  count: number,
  limit: number | undefined,
): Generator<WalkFrame> {
  const size = latentSize(manifest);
  const corner = (from: number): Float32Array => latents(from % 2 ** 32, 0, count, size);
  for (let from = seed; ; from++) {
    const [a, b] = [corner(from), corner(from + 1)];
    for (let frame = 0; frame < FRAMES_PER_SEED; frame++) {
      // Slow at the ends, so that each seed's pictures can be seen.
      const at = 0.5 - 0.5 * Math.cos((Math.PI * frame) / FRAMES_PER_SEED);
      const mixed = new Float32Array(count * size);
      for (let i = 0; i < count; i++) {
        const z = slerp(a.subarray(i * size, (i + 1) * size), b.subarray(i * size, (i + 1) * size), at);
        mixed.set(limit === undefined ? z : z.map((x) => Math.min(limit, Math.max(-limit, x))), i * size);
      }
      yield { latents: mixed, from, at };
    }
  }
}

function latentSize(manifest: Manifest): number {
  const input = manifest.inputs.find(({ role }) => role === 'latent');
  const size = input?.shape
    .slice(1)
    .reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : Number.NaN), 1);
  if (size === undefined || !Number.isInteger(size))
    throw new Error('walk: expected a model with a latent input of fixed size');
  return size;
}
