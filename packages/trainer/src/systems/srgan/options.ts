// Options of SRGAN: types, flags and help are made from them.
import * as v from 'valibot';
import { atLeast, described, named, rate, whole } from '../entries.js';
import { lossNames } from '../../losses/index.js';
import { playerOptions } from '../two-player/options.js';

const { beta1, beta2, ema, emaWarmup } = playerOptions({ rates: { g: 1e-4, d: 1e-4 }, latent: 1, beta1: 0.9 });

const RATES = { pixel: 1e-3, g: 1e-4, d: 1e-4 };

/** Options of SRGAN, as schema entries. */
export const srganOptions = {
  scale: described(v.optional(whole(2, 4), 4), 'how much larger pictures become'),
  crop: described(
    v.optional(whole(8, 1024)),
    'edge of the crops that it is trained on; default: the picture, at most 64',
  ),
  turn: described(v.optional(v.boolean(), true), 'mirror and rotate the crops at random, in all eight orientations'),
  base: described(v.optional(whole(1, 4096), 32), "channels of the generator's maps"),
  blocks: described(v.optional(whole(0, 64), 8), 'residual blocks of the generator'),
  up: described(
    v.optional(v.picklist(['resize', 'shuffle']), 'shuffle'),
    'how the generator enlarges: repeated pixels before a convolution, or pixel shuffles',
  ),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminator's first map; default: half of base"),
  depthD: described(
    v.optional(whole(1, 6), 3),
    'how many times the discriminator halves the picture: 3 sees patches of 70 pixels, 2 of 34, 1 of 16',
  ),
  spectral: described(v.optional(v.boolean(), true), 'spectral normalisation of the discriminator'),
  distance: described(v.optional(v.picklist(['l1', 'charbonnier', 'l2']), 'l1'), 'how pixels are compared'),
  adversarialFrom: described(
    v.optional(whole(0, 1e9), 2000),
    'step from which the discriminator is trained and used; before it, only the distance of pixels',
  ),
  pixel: described(v.optional(atLeast(0), 1), 'weight of the distance of pixels while the discriminator is used'),
  adversarial: described(v.optional(atLeast(0), 0.005), 'weight of the discriminator; 0: it is never used'),
  perceptual: described(
    v.optional(atLeast(0), 1),
    'weight of the distance of features, if a network f that computes them is given',
  ),
  loss: described(v.optional(named('loss', lossNames), 'relativistic-average'), 'adversarial loss'),
  rates: described(
    v.optional(
      v.strictObject({
        pixel: v.optional(rate, RATES.pixel),
        g: v.optional(rate, RATES.g),
        d: v.optional(rate, RATES.d),
      }),
      RATES,
    ),
    'learning rates: of the generator before adversarialFrom (it falls to a tenth), and of both networks after it',
  ),
  beta1,
  beta2,
  ema,
  emaWarmup,
};
