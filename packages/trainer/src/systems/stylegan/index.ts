// StyleGAN2 at small sizes (Karras et al. 2020): a latent becomes styles, which modulate convolutions; styles can be
// mixed and truncated in the exported file.
import type { FieldSpec } from '../../data/dataset.js';
import { UsageError } from '@forja/core';
import { MAPPING_RATE, styleDiscriminator, styleMaps, styleMapping, styleSynthesis } from '../../models/stylegan.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { checkAugment } from '../two-player/augment.js';
import { penaltiesOf } from '../two-player/penalties.js';
import { styleGame } from './game.js';
import { styleganOptions } from './options.js';

/** `forja train stylegan`. Weights are standard normal numbers that depend on the seed, and are scaled when used. */
export const styleganKind = systemKind({
  name: 'stylegan',
  summary: 'pictures whose styles can be mixed and truncated (StyleGAN2)',
  options: styleganOptions,
  defaults: { batch: 16 },
  data: { image: 'image' },
  signed: true,
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
      'config.data: expected square pictures with an edge of 8, 16, 32, 64, 128 or 256 for the system ' +
        `'stylegan', got ${height} × ${width} from ${from}; a folder's are resized to config.size`,
      { code: 'config.invalid', cause },
    );
  }
  return { size: height, channels };
}
