// pix2pix (Isola et al. 2017): a U-Net that translates a picture, learnt from pairs; a discriminator that judges
// patches of the pair, and an L1 distance to the target.
import * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDeviation } from '../../models/initialise.js';
import { patchDiscriminator } from '../../models/patch.js';
import { unet } from '../../models/unet.js';
import { atLeast, described, whole } from '../entries.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { playerOptions } from '../two-player/options.js';
import { depthFor, sizesOf } from './sizes.js';
import { game } from './game.js';

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

/** `forja train pix2pix`: pictures in pairs, fields `input` and `target`. */
export const pix2pixKind = systemKind({
  name: 'pix2pix',
  summary: 'pictures to pictures, from pairs (pix2pix)',
  options: pix2pixOptions,
  leastBatch: 1, // instance norm allows it, and the paper uses it
  defaults: { batch: 8, sampleCount: 16 },
  data: { input: 'image', target: 'image' },
  roles: ['g', 'd'],
  fit: (options, { fields, name }) => {
    const { size } = sizesOf(fields, name);
    const depth = options.depth ?? depthFor(size);
    return { ...options, depth, depthD: options.depthD ?? Math.min(2, depth) };
  },
  make(options, at) {
    const { size, input, output } = sizesOf(at.data.fields, at.data.name);
    const { base, baseD = base, depth = 1, depthD = 1, norm, up, dropout } = options; // depths: set by fit
    const made = {
      g: () => unet({ size, input, output, base, depth, norm, up, dropout, name: 'g' }),
      d: () => patchDiscriminator({ size, channels: input + output, base: baseD, depth: depthD, norm, name: 'd' }),
    };
    const networks = {
      g: networkOf(at, 'g', made.g, dcganDeviation),
      ...(options.adversarial > 0 ? { d: networkOf(at, 'd', made.d, dcganDeviation) } : {}),
    };
    const fields = at.data.fields as Readonly<Record<'input' | 'target', FieldSpec>>; // `data` requires them
    return game(networks, fields, options, at);
  },
});
