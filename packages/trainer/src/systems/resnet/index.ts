// SNGAN with residual networks (Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks"):
// hinge loss, spectral norm in the discriminator. Options add self-attention (SAGAN) or, without norms, make it RpGAN
// with R1 and R2 (R3GAN, Huang et al. 2024).
import * as v from 'valibot';
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';
import { heDeviation } from '../../models/initialise.js';
import { residualDiscriminator, residualGenerator } from '../../models/residual.js';
import { edgeOf, mapSizes, type MapSize } from '../../models/sizes.js';
import { described, share, whole } from '../entries.js';
import { systemKind, type OptionsOf } from '../kind.js';
import { networkOf } from '../network.js';
import { pictureSizeOf } from '../picture-size.js';
import { twoPlayer } from '../two-player/game.js';
import { playerOptions } from '../two-player/options.js';
import { outputOption, pictureOutput } from '../two-player/output.js';
import { checkPlayers } from '../two-player/penalties.js';
import { checkPack } from '../two-player/seen.js';

const options = {
  base: described(v.optional(whole(1, 4096), 32), "channels of the generator's largest map"),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminator's first map; default: base"),
  widest: described(
    v.optional(whole(1, 4096), 128),
    'largest number of channels: each map has twice the channels of the next larger one, up to this; ' +
      'equal to base: all maps have the same',
  ),
  norm: described(v.optional(v.picklist(['batch', 'none']), 'batch'), 'normalisation in the generator'),
  spectral: described(
    v.optional(v.picklist(['d', 'both', 'none']), 'd'),
    'spectral normalisation: of the discriminator, of both networks, of none',
  ),
  attention: described(
    v.optional(whole(4, 1024)),
    'edge (the shorter one) of the map that self-attention is applied to, in both networks; default: none',
  ),
  deviation: described(
    v.optional(whole(2, 1024)),
    'group size of the minibatch standard deviation near the end of the discriminator; default: none',
  ),
  output: outputOption,
  ...playerOptions({ rates: { g: 2e-4, d: 4e-4 }, latent: 128, loss: 'hinge', beta1: 0 }),
  beta2: described(v.optional(share, 0.9), "Adam's decay of the second moment"),
};

/** `forja train resnet`. Weights are drawn from N(0, 2 / fan-in) and depend on the seed alone. */
export const resnetKind = systemKind({
  name: 'resnet',
  summary: 'pictures by residual networks with spectral normalisation (SNGAN)',
  options,
  data: { image: 'image' },
  roles: ['g', 'd'],
  fit: (given, { fields, name }) => {
    checkAttention(given, pictureSizeOf('resnet', fields['image'], name).size);
    checkPlayers(given);
    return given;
  },
  make(given, at) {
    checkPack(given, at.batch);
    checkGroups(given, at.batch);
    const example = at.data.fields['image'] as FieldSpec; // `data` requires it
    const { size, channels } = pictureSizeOf('resnet', example, at.data.name);
    const { base, baseD = base, widest, latent, norm, spectral, attention, deviation, pack, output } = given;
    const both = { size, widest, ...(attention === undefined ? {} : { attention }) };
    const made = {
      g: () => residualGenerator({ ...both, channels, base, latent, norm, output, spectral: spectral === 'both' }),
      d: () =>
        residualDiscriminator({
          ...both,
          channels: channels * pack,
          base: baseD,
          spectral: spectral !== 'none',
          ...(deviation === undefined ? {} : { deviation }),
        }),
    };
    return twoPlayer(
      {
        name: 'resnet',
        g: networkOf(at, 'g', made.g, heDeviation, given.init),
        d: networkOf(at, 'd', made.d, heDeviation, given.init),
        field: 'image',
        example,
        output: pictureOutput(output),
      },
      given,
      at,
    );
  },
});

type Options = OptionsOf<typeof options>;

/** @throws UsageError `config.invalid` for attention at a map size that one of the networks does not have. */
function checkAttention({ attention }: Options, size: MapSize): void {
  const maps = mapSizes(size).map(edgeOf);
  if (attention !== undefined && !maps.includes(attention))
    throw new UsageError(
      `config.attention: expected the shorter edge of a map of pictures of ${size.join(' × ')} (${maps.join(', ')}), ` +
        `got ${attention}`,
      { code: 'config.invalid' },
    );
}

/** @throws UsageError `config.invalid` for groups that do not divide the number of packs that D sees. */
function checkGroups({ deviation, pack }: Options, batch: number): void {
  const seen = batch / pack;
  if (deviation !== undefined && seen > deviation && seen % deviation !== 0)
    throw new UsageError(
      `config.batch: expected a multiple of the ${deviation} examples of a group ` +
        `(deviation)${pack > 1 ? `, times pack ${pack}` : ''}, got ${batch}`,
      { code: 'config.invalid' },
    );
}
