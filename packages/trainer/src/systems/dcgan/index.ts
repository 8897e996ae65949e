// DCGAN (Radford et al. 2016): a generator of transposed convolutions, and a discriminator of strided convolutions or,
// optionally, of convolutions and pooling.
import * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDiscriminator, dcganGenerator } from '../../models/dcgan.js';
import { dcganDeviation } from '../../models/initialise.js';
import { described, whole } from '../entries.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { pictureSizeOf } from '../picture-size.js';
import { playerOptions } from '../two-player/options.js';
import { outputOption, pictureOutput } from '../two-player/output.js';
import { checkPack } from '../two-player/seen.js';
import { twoPlayer } from '../two-player/game.js';
import { checkPlayers } from '../two-player/penalties.js';

/** `forja train dcgan`. Weights are drawn from N(0, 0.02) and depend on the seed alone. */
export const dcganKind = systemKind({
  name: 'dcgan',
  summary: 'pictures by transposed convolutions (DCGAN)',
  options: {
    base: described(v.optional(whole(1, 4096), 64), "channels of the generator's largest hidden map"),
    baseD: described(v.optional(whole(1, 4096)), "channels of the discriminator's first map; default: base"),
    pool: described(v.optional(v.picklist(['avg', 'max'])), 'pool in the discriminator instead of striding'),
    output: outputOption,
    ...playerOptions({ rates: { g: 2e-3, d: 2e-3 }, latent: 100 }),
  },
  data: { image: 'image' },
  roles: ['g', 'd'],
  fit: (options, { fields, name }) => {
    pictureSizeOf('dcgan', fields['image'], name);
    checkPlayers(options);
    return options;
  },
  make(options, at) {
    checkPack(options, at.batch);
    const example = at.data.fields['image'] as FieldSpec; // `data` requires it
    const { size, channels } = pictureSizeOf('dcgan', example, at.data.name);
    const { base, baseD = base, latent, pool, output } = options;
    const pooled = pool === undefined ? {} : { pool };
    const made = {
      g: () => dcganGenerator({ size, channels, base, latent, output, name: 'g' }),
      d: () => dcganDiscriminator({ size, channels: channels * options.pack, base: baseD, name: 'd', ...pooled }),
    };
    return twoPlayer(
      {
        name: 'dcgan',
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
