// Options of pix2pix: types, flags and help are made from them.
import * as v from 'valibot';
import { atLeast, described, whole } from '../entries.js';
import { playerOptions } from '../two-player/options.js';

const { rates, schedule, beta1, beta2, loss, ema, emaWarmup, emaStatistics } = playerOptions({
  rates: { g: 2e-4, d: 2e-4 },
  latent: 1,
});

/** Options of pix2pix, as schema entries. */
export const pix2pixOptions = {
  base: described(v.optional(whole(1, 4096), 32), "channels of the U-Net's first map"),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminator's first map; default: base"),
  depth: described(
    v.optional(whole(1, 10)),
    'how many times the U-Net halves the picture; default: down to two pixels',
  ),
  depthD: described(
    v.optional(whole(1, 6)),
    'how many times the discriminator halves the picture: 3 sees patches of 70 pixels, 2 of 34, 1 of 16; default: 2',
  ),
  norm: described(
    v.optional(v.picklist(['instance', 'batch', 'none']), 'instance'),
    'normalisation between convolutions',
  ),
  up: described(
    v.optional(v.picklist(['resize', 'transposed']), 'resize'),
    'how the U-Net enlarges; transposed convolutions leave a grid',
  ),
  dropout: described(v.optional(v.pipe(atLeast(0), v.ltValue(1, 'a number below 1')), 0), 'dropout in the U-Net'),
  l1: described(v.optional(atLeast(0), 100), 'weight of the L1 distance from the target'),
  adversarial: described(
    v.optional(atLeast(0), 1),
    'weight of the discriminator; 0: only the L1 distance, as a baseline',
  ),
  loss,
  rates,
  schedule,
  beta1,
  beta2,
  ema,
  emaWarmup,
  emaStatistics,
};
