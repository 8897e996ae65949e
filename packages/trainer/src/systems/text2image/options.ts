// Options of text2image: types, flags and help are made from them.
import * as v from 'valibot';
import { described, whole } from '../entries.js';
import { playerOptions } from '../two-player/options.js';

const { latent, rates, schedule, beta1, beta2, loss, penalties, ema, emaWarmup, emaStatistics } = playerOptions({
  rates: { g: 2e-3, d: 1e-3 },
  latent: 64,
  schedule: 'linear',
  penalties: { r1: { weight: 0.1, every: 16 } },
});

/** Options of text2image, as schema entries. */
export const text2imageOptions = {
  base: described(v.optional(whole(1, 4096), 32), "channels of the generator's largest hidden map"),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminator's first map; default: base"),
  embedding: described(v.optional(whole(1, 4096), 64), "length of a word's vector"),
  wordOrder: described(
    v.optional(v.boolean(), true),
    'also encode pairs of words, so that "red hair, blue clothes" differs from "blue hair, red clothes"',
  ),
  captionIn: described(
    v.optional(v.picklist(['latent', 'norms']), 'latent'),
    'where the generator uses the caption: concatenated with the latent, or in its batch norms too',
  ),
  norm: described(
    v.optional(v.picklist(['batch', 'none']), 'none'),
    'normalisation between the convolutions of the discriminator',
  ),
  latent,
  rates,
  schedule,
  beta1,
  beta2,
  loss,
  penalties,
  ema,
  emaWarmup,
  emaStatistics,
};
