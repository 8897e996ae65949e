// Options of StyleGAN2: types, flags and help are made from them.
import * as v from 'valibot';
import { atLeast, described, share, whole } from '../entries.js';
import { type OptionsOf } from '../kind.js';
import { augmentOptions } from '../two-player/augment.js';
import { playerOptions } from '../two-player/options.js';

const { latent, rates, schedule, beta1, loss, penalties, ema, emaWarmup } = playerOptions({
  rates: { g: 2e-3, d: 2e-3 },
  latent: 128,
  penalties: { r1: { weight: 0.1, every: 16 } },
  beta1: 0,
});

/** Options of StyleGAN2, as schema entries. */
export const styleganOptions = {
  base: described(v.optional(whole(1, 4096), 32), 'channels of the largest map, doubled at each smaller one'),
  widest: described(v.optional(whole(1, 4096), 128), 'maximum number of channels of a map'),
  style: described(v.optional(whole(1, 65_536), 128), 'size of w'),
  depth: described(v.optional(whole(1, 64), 4), 'layers of the mapping from z to w'),
  mixing: described(
    v.optional(v.pipe(atLeast(0), v.maxValue(1, 'a number of at most 1')), 0.9),
    'share of the pictures that are generated from two latents',
  ),
  pathLength: described(
    v.optional(v.strictObject({ weight: v.optional(atLeast(0), 2), every: v.optional(whole(1, 1024), 8) }), {
      weight: 2,
      every: 8,
    }),
    'path length regularisation of the generator: weight, and steps between applications',
  ),
  latent,
  rates,
  schedule,
  beta1,
  beta2: described(v.optional(share, 0.99), "Adam's decay of the second moment"),
  loss,
  penalties,
  ...augmentOptions('none', 100_000),
  ema,
  emaWarmup,
};

/** Options of StyleGAN2, parsed. */
export type StyleganOptions = OptionsOf<typeof styleganOptions>;
