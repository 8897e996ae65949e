// What `interpolate` draws: latents on the way between two seeds, of one class, with the noise of one picture.
import { checkInteger } from '../integer.js';
import { latents } from '../latent/latents.js';
import { latentWalk } from '../latent/walks.js';
import type { Draw, LatentModel } from './latent-model.js';
import { MOST, type InterpolateOptions } from './options.js';

/** @throws UsageError for a number of steps below 2, and as `latents` for seeds and truncation. */
export function walkOf(
  { size, distribution, hasLabel }: Pick<LatentModel, 'size' | 'distribution' | 'hasLabel'>,
  options: InterpolateOptions,
): Draw {
  const { from, to, steps, loop = false, truncation, ...rest } = options;
  const { mode = distribution === 'uniform' ? 'lerp' : 'slerp', ...draw } = rest;
  checkInteger('interpolate.steps', steps, 2, MOST);
  const end = (seed: number | bigint): Float32Array =>
    latents(seed, 0, 1, size, { distribution, ...(truncation === undefined ? {} : { truncation }) });
  // Without a label every picture is of class 0: a walk that changes class at each step is none.
  const label = draw.label ?? (hasLabel ? 0 : undefined);
  return {
    ...draw,
    ...(label === undefined ? {} : { label }),
    seed: from,
    latents: latentWalk([end(from), end(to)], steps, { mode, loop }),
    noiseOf: 0,
    start: 0,
  };
}
