// pix2pix (Isola et al. 2017): a U-Net that translates a picture, learnt from pairs; a discriminator that judges
// patches of the pair, and an L1 distance to the target.
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDeviation } from '../../models/initialise.js';
import { patchDiscriminator } from '../../models/patch.js';
import { unet } from '../../models/unet.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { pix2pixOptions } from './options.js';
import { depthFor, sizesOf } from './sizes.js';
import { game } from './game.js';

/** `forja train pix2pix`: pictures in pairs, fields `input` and `target`. */
export const pix2pixKind = systemKind({
  name: 'pix2pix',
  summary: 'pictures to pictures, from pairs (pix2pix)',
  options: pix2pixOptions,
  leastBatch: 1, // instance norm allows it, and the paper uses it
  defaults: { batch: 8, sampleCount: 16 },
  data: { input: 'image', target: 'image' },
  signed: true,
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
