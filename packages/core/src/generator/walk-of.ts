// The options with which `interpolate` samples: latents between two seeds, of one class, with the noise of one picture.
import { checkInteger } from '../integer.js';
import { latents } from '../latent/latents.js';
import { latentWalk } from '../latent/walks.js';
import type { Manifest } from '../manifest/manifest.js';
import type { Draw, LatentModel } from './latent-model.js';
import { MOST, type InterpolateOptions } from './options.js';

/** @throws UsageError for fewer than 2 steps, and as `latents` does for seeds and truncation. */
export function walkOf(
  { size, distribution }: Pick<LatentModel, 'size' | 'distribution'>,
  { inputs }: Pick<Manifest, 'inputs'>,
  options: InterpolateOptions,
): Draw {
  const { from, to, steps, loop = false, truncation, ...rest } = options;
  const { mode = distribution === 'uniform' ? 'lerp' : 'slerp', ...draw } = rest;
  checkInteger('interpolate.steps', steps, 2, MOST);
  const has = (role: Manifest['inputs'][number]['role']): boolean => inputs.some((input) => input.role === role);
  const ofStyles = typeof truncation === 'object' && has('psi'); // not of the latents
  const end = (seed: number | bigint): Float32Array =>
    latents(seed, 0, 1, size, { distribution, ...(truncation === undefined || ofStyles ? {} : { truncation }) });
  // Default class 0: otherwise `sample` would change the class at each step.
  const label = draw.label ?? (has('label') ? 0 : undefined);
  return {
    ...draw,
    ...(label === undefined ? {} : { label }),
    ...(ofStyles ? { truncation } : {}),
    seed: from,
    latents: latentWalk([end(from), end(to)], steps, { mode, loop }),
    noiseOf: 0,
    start: 0,
  };
}
