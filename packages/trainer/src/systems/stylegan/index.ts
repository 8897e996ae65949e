// StyleGAN2 at small sizes (Karras et al. 2020): a latent becomes styles, which modulate convolutions; styles can be
// mixed and truncated in the exported file.
import * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { UsageError } from '@forja/core';
import { MAPPING_RATE, styleDiscriminator, styleMaps, styleMapping, styleSynthesis } from '../../models/stylegan.js';
import { atLeast, described, share, whole } from '../entries.js';
import { systemKind, type OptionsOf } from '../kind.js';
import { networkOf } from '../network.js';
import { augmentOptions, checkAugment } from '../two-player/augment.js';
import { playerOptions } from '../two-player/options.js';
import { penaltiesOf } from '../two-player/penalties.js';
import { styleGame } from './game.js';

const { latent, rates, schedule, beta1, loss, penalties, ema, emaWarmup } = playerOptions({
  rates: { g: 2e-3, d: 2e-3 },
  latent: 128,
  penalties: { r1: { weight: 0.1, every: 16 } },
  beta1: 0,
});

const entries = {
  base: described(v.optional(whole(1, 4096), 32), 'channels of the largest map, doubled at each smaller one'),
  widest: described(v.optional(whole(1, 4096), 128), 'maximum number of channels of a map'),
  style: described(v.optional(whole(1, 65_536), 128), 'size of w'),
  depth: described(v.optional(whole(1, 64), 4), 'layers of the mapping from z to w'),
  mixing: described(
    v.optional(v.pipe(atLeast(0), v.maxValue(1, 'a number of at most 1')), 0.9),
    'share of the pictures that are generated from two latents',
  ),
  pathLength: described(
    v.optional(v.strictObject({ weight: v.optional(atLeast(0), 2), every: v.optional(whole(1, 1024), 8) }), {
      weight: 2,
      every: 8,
    }),
    'path length regularisation of the generator: weight, and steps between applications',
  ),
  latent,
  rates,
  schedule,
  beta1,
  beta2: described(v.optional(share, 0.99), "Adam's decay of the second moment"),
  loss,
  penalties,
  ...augmentOptions('none', 100_000),
  ema,
  emaWarmup,
};

/** Options of StyleGAN2, parsed. */
export type StyleganOptions = OptionsOf<typeof entries>;

/** `forja train stylegan`. Weights are standard normal numbers that depend on the seed, and are scaled when used. */
export const styleganKind = systemKind({
  name: 'stylegan',
  summary: 'pictures whose styles can be mixed and truncated (StyleGAN2)',
  options: entries,
  defaults: { batch: 16 },
  data: { image: 'image' },
  roles: ['mapping', 'synthesis', 'd'],
  fit: (options, { fields, name }) => {
    sizeOfSquare(fields['image'], name);
    penaltiesOf(options.penalties);
    checkAugment(options, fields['image'], name);
    return options;
  },
  make(options, at) {
    const example = at.data.fields['image'] as FieldSpec; // `data` requires it
    const { size, channels } = sizeOfSquare(example, at.data.name);
    const { base, widest, style, depth } = options;
    const picture = { size, channels, base, widest };
    // the group size of the minibatch standard deviation must divide the batch size
    const group = [4, 3, 2, 1].find((count) => at.batch % count === 0) ?? 1;
    return styleGame(
      {
        mapping: networkOf(
          at,
          'mapping',
          () => styleMapping({ latent: options.latent, style, depth }),
          () => 1 / MAPPING_RATE,
        ),
        synthesis: networkOf(
          at,
          'synthesis',
          () => styleSynthesis({ ...picture, style }),
          () => 1,
        ),
        d: networkOf(
          at,
          'd',
          () => styleDiscriminator({ ...picture, group }),
          () => 1,
        ),
        example,
      },
      options,
      at,
    );
  },
});

/** Edge and channels of square pictures; the edge must be that of the first map, doubled any number of times. */
function sizeOfSquare(field: FieldSpec | undefined, from: string): { size: number; channels: number } {
  const [height = 0, width = 0, channels = 0] = field?.shape ?? [];
  try {
    if (height !== width) throw new Error();
    styleMaps(height);
  } catch (cause) {
    throw new UsageError(
      `config.data: expected square pictures with an edge of 8, 16, 32, 64, 128 or 256 for the system 'stylegan', got ${height} × ${width} from ${from}; a folder's are resized to config.size`,
      { code: 'config.invalid', cause },
    );
  }
  return { size: height, channels };
}
