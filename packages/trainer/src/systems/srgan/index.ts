// SRGAN (Ledig et al. 2017): super-resolution. First a network trained with a pixel loss (SRResNet), then the same
// network with a discriminator, for details that look real (Wang et al. 2018, ESRGAN: relativistic average).
import * as v from 'valibot';
import { heDeviation } from '../../models/initialise.js';
import { patchDiscriminator } from '../../models/patch.js';
import { superResolver } from '../../models/super-resolution.js';
import { atLeast, described, named, rate, whole } from '../entries.js';
import { lossNames } from '../../losses/index.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { playerOptions } from '../two-player/options.js';
import { game } from './game.js';
import { sizesOf } from './sizes.js';

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

/** `forja train srgan`: the field `image`, from which small pictures are computed. */
export const srganKind = systemKind({
  name: 'srgan',
  summary: 'pictures made larger (SRResNet, SRGAN)',
  options: srganOptions,
  defaults: { steps: 3000, batch: 16, sampleCount: 8 },
  leastBatch: 1,
  data: { image: 'image' },
  roles: ['g', 'd', 'f'],
  fit: (options, { fields, name }) => ({ ...options, crop: sizesOf(options, fields['image'], name).crop }),
  make(options, at) {
    const { crop, channels } = sizesOf(options, at.data.fields['image'], at.data.name);
    const { scale, base, baseD = Math.max(1, base >> 1), blocks, up, depthD, spectral } = options;
    const g = networkOf(at, 'g', () => superResolver({ scale, channels, base, blocks, up }), small);
    if (options.adversarial === 0) return game({ g }, { crop, channels }, options, at);
    const d = networkOf(
      at,
      'd',
      () => patchDiscriminator({ size: crop, channels, base: baseD, depth: depthD, norm: 'none', spectral }),
      heDeviation,
    );
    return game({ g, d }, { crop, channels }, options, at);
  },
});

/**
 * A tenth of He's deviation: initially, blocks are near the identity, and the output is near the bicubic one (Wang et
 * al. 2018).
 */
const small = (shape: readonly number[]): number => heDeviation(shape) / 10;
