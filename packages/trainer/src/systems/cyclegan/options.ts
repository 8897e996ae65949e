// Options of CycleGAN: types, flags and help are made from them.
import * as v from 'valibot';
import { atLeast, described, whole } from '../entries.js';
import { playerOptions } from '../two-player/options.js';

const { rates, schedule, beta1, beta2, ema, emaWarmup, emaStatistics } = playerOptions({
  rates: { g: 2e-4, d: 2e-4 },
  latent: 1,
});

/** Options of CycleGAN, as schema entries. */
export const cycleganOptions = {
  base: described(v.optional(whole(1, 4096), 32), "channels of the generators' first map"),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminators' first map; default: base"),
  blocks: described(v.optional(whole(0, 64), 6), 'residual blocks of a generator'),
  depthD: described(
    v.optional(whole(1, 6), 2),
    'how many times a discriminator halves the picture: 3 sees patches of 70 pixels, 2 of 34, 1 of 16',
  ),
  norm: described(
    v.optional(v.picklist(['instance', 'batch', 'none']), 'instance'),
    'normalisation between convolutions',
  ),
  up: described(
    v.optional(v.picklist(['resize', 'transposed']), 'resize'),
    'how a generator enlarges; transposed convolutions leave a grid',
  ),
  cycle: described(
    v.optional(atLeast(0), 10),
    'weight of the cycle consistency: a picture translated to the other domain and back stays the same',
  ),
  identity: described(
    v.optional(atLeast(0), 5),
    'weight of the identity: a picture that is already in the target domain stays the same',
  ),
  pool: described(v.optional(whole(1, 100_000), 50), 'earlier pictures that a discriminator is shown again'),
  rates,
  schedule,
  beta1,
  beta2,
  ema,
  emaWarmup,
  emaStatistics,
};
