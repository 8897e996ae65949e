// Points in the plane from a mixture of Gaussians, the usual check of a small GAN (Metz et al. 2017, "Unrolled GANs": 8
// on a ring, 25 on a grid). The modes are known, so what a generator covers can be counted.
import { optionsOf, UsageError, latents, shown } from '@forja/core';
import { arrayDataset } from './arrays.js';
import type { Dataset } from './dataset.js';

/** Options of {@link syntheticDataset}. */
export interface SyntheticOptions {
  shape?: 'ring' | 'grid';
  /** Gaussians: any number on the ring (default 8), a square number on the grid (default 25). */
  modes?: number | undefined;
  /** Standard deviation of each. Default 0.02. */
  deviation?: number;
  count?: number;
  seed?: number;
}

/** Centres of the Gaussians, [modes · 2], within [-0.9, 0.9]. */
export function modesOf(shape: 'ring' | 'grid', modes: number): Float32Array {
  const side = Math.round(Math.sqrt(modes));
  if (!Number.isInteger(modes) || modes < 1 || (shape === 'grid' && side * side !== modes)) {
    throw new UsageError(
      `synthetic.modes: expected ${shape === 'grid' ? 'a square number' : 'a positive integer'}, got ${shown(modes)}`,
      { code: 'config.invalid' },
    );
  }
  const at = (i: number): [number, number] => {
    if (shape === 'ring') return [0.8 * Math.cos((2 * Math.PI * i) / modes), 0.8 * Math.sin((2 * Math.PI * i) / modes)];
    const place = (k: number): number => (side === 1 ? 0 : -0.8 + (1.6 * k) / (side - 1));
    return [place(i % side), place(Math.floor(i / side))];
  };
  return Float32Array.from({ length: 2 * modes }, (_, k) => at(k >> 1)[k & 1] ?? 0);
}

/**
 * Points [2] as the field `vector`, the number of their Gaussian as `label`. Point i belongs to Gaussian i mod modes:
 * it is that Gaussian's centre plus normal noise determined by (seed, i).
 */
export function syntheticDataset(options: SyntheticOptions = {}): Dataset {
  const {
    shape = 'ring',
    deviation = 0.02,
    count = 20_000,
    seed = 0,
  } = optionsOf('synthetic', options, 'count deviation modes seed shape');
  if (shape !== 'ring' && shape !== 'grid')
    throw new UsageError(`synthetic.shape: expected 'ring' or 'grid', got ${shown(shape)}`, { code: 'config.invalid' });
  const modes = options.modes ?? (shape === 'ring' ? 8 : 25);
  const centres = modesOf(shape, modes);
  const noise = latents(seed, 0, count, 2);
  const data = noise.map((v, k) => (centres[2 * ((k >> 1) % modes) + (k & 1)] ?? 0) + deviation * v);
  const labels = Int32Array.from({ length: count }, (_, i) => i % modes);
  const made = arrayDataset({
    name: `${modes} Gaussians on a ${shape}`,
    fields: {
      vector: { data, shape: [2], range: [-1, 1] },
      label: { data: labels, classes: Array.from({ length: modes }, (_, i) => `mode ${i}`) },
    },
  });
  return { ...made, modes: { centres, deviation } };
}
