// WGAN-GP (Gulrajani et al. 2017): a critic that estimates the Wasserstein distance, kept smooth by a penalty on its
// gradient norm between real and fake pictures, with several critic steps for each generator step.
import * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDiscriminator, dcganGenerator } from '../../models/dcgan.js';
import { dcganDeviation } from '../../models/initialise.js';
import { described, share, whole } from '../entries.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { pictureSizeOf } from '../picture-size.js';
import { checkPack } from '../two-player/seen.js';
import { twoPlayer } from '../two-player/game.js';
import { playerOptions } from '../two-player/options.js';
import { outputOption, pictureOutput } from '../two-player/output.js';
import { checkPlayers } from '../two-player/penalties.js';

/** `forja train wgan-gp`. The critic has no batch norm, because the penalty needs the gradient at single examples. */
export const wganGpKind = systemKind({
  name: 'wgan-gp',
  summary: 'pictures by the Wasserstein distance, with a gradient penalty on the critic (WGAN-GP)',
  options: {
    base: described(v.optional(whole(1, 4096), 64), "channels of the generator's largest hidden map"),
    baseD: described(v.optional(whole(1, 4096)), "channels of the critic's first map; default: base"),
    output: outputOption,
    ...playerOptions({
      rates: { g: 1e-4, d: 1e-4 },
      latent: 128,
      loss: 'wasserstein',
      penalties: { 'gradient-penalty': 10 },
      beta1: 0,
      dSteps: 5,
    }),
    beta2: described(v.optional(share, 0.9), "Adam's decay of the second moment"),
  },
  data: { image: 'image' },
  roles: ['g', 'd'],
  fit: (options, { fields, name }) => {
    pictureSizeOf('wgan-gp', fields['image'], name);
    checkPlayers(options);
    return options;
  },
  make(options, at) {
    checkPack(options, at.batch);
    const example = at.data.fields['image'] as FieldSpec; // `data` requires it
    const { size, channels } = pictureSizeOf('wgan-gp', example, at.data.name);
    const { base, baseD = base, latent, output } = options;
    const made = {
      g: () => dcganGenerator({ size, channels, base, latent, output, name: 'g' }),
      d: () => dcganDiscriminator({ size, channels: channels * options.pack, base: baseD, norm: 'none', name: 'd' }),
    };
    return twoPlayer(
      {
        name: 'wgan-gp',
        g: networkOf(at, 'g', made.g, dcganDeviation, options.init),
        d: networkOf(at, 'd', made.d, dcganDeviation, options.init),
        field: 'image',
        example,
        output: pictureOutput(output),
      },
      options,
      at,
    );
  },
});
