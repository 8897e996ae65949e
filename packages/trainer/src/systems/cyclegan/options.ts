// Options of CycleGAN: types, flags and help are made from them.
import * as v from 'valibot';
import { atLeast, described, whole } from '../entries.js';
import { playerOptions } from '../two-player/options.js';

const { rates, schedule, beta1, beta2, ema, emaWarmup, emaStatistics } = playerOptions({
  rates: { g: 1e-3, d: 2e-3 },
  latent: 1,
  schedule: 'linear',
});

/** Options of CycleGAN, as schema entries. */
export const cycleganOptions = {
  base: described(v.optional(whole(1, 4096), 16), "channels of the generators' first map"),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminators' first map; default: twice base"),
  blocks: described(v.optional(whole(0, 64), 3), 'residual blocks of a generator'),
  depthD: described(
    v.optional(whole(1, 6)),
    'how many times a discriminator halves the picture: 3 sees patches of 70 pixels, 2 of 34, 1 of 16; ' +
      'default: 2 if its patches fit into the pictures, else 1',
  ),
  norm: described(
    v.optional(v.picklist(['none', 'instance', 'batch']), 'none'),
    'normalisation in the generators; with instance norm a part of a picture is translated otherwise than the whole',
  ),
  normD: described(
    v.optional(v.picklist(['spectral', 'instance', 'batch', 'none']), 'spectral'),
    'normalisation in the discriminators',
  ),
  padding: described(
    v.optional(v.picklist(['reflect', 'zeros']), 'reflect'),
    'padding in the generators where they halve and enlarge; elsewhere they always reflect',
  ),
  paddingD: described(
    v.optional(v.picklist(['auto', 'none', 'zeros']), 'auto'),
    'padding in the discriminators; auto: none if their patches fit into the pictures, else zeros',
  ),
  skip: described(
    v.optional(v.picklist(['auto', 'on', 'off']), 'auto'),
    'add the picture to what a generator makes of it, before the tanh, so that it learns the difference; auto: on if ' +
      'both kinds have as many channels',
  ),
  up: described(
    v.optional(v.picklist(['resize', 'transposed']), 'resize'),
    'how a generator enlarges; transposed convolutions leave a grid',
  ),
  cycle: described(
    v.optional(atLeast(0), 3),
    'weight of the cycle consistency: a picture translated to the other domain and back stays the same',
  ),
  identity: described(
    v.optional(atLeast(0), 0),
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
