// A class-conditional GAN: both networks take the class, and a lazy R1 penalty keeps the discriminator smooth
// (Mescheder et al. 2018).
import * as v from 'valibot';
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDeviation } from '../../models/initialise.js';
import { described, whole } from '../entries.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { pictureSizeOf } from '../picture-size.js';
import { playerOptions } from '../two-player/options.js';
import { twoPlayer } from '../two-player/game.js';
import { checkPlayers } from '../two-player/penalties.js';
import { conditionalDiscriminator, conditionalGenerator } from './networks.js';

/** `forja train conditional`. Weights are drawn from N(0, 0.02) and depend on the seed alone. */
export const conditionalKind = systemKind({
  name: 'conditional',
  summary: 'pictures of a given class (projection or AC-GAN)',
  options: {
    base: described(v.optional(whole(1, 4096), 32), "channels of the generator's largest hidden map"),
    baseD: described(v.optional(whole(1, 4096)), "channels of the discriminator's first map; default: base"),
    hidden: described(v.optional(whole(0, 4096), 512), "units of the generator's hidden layer; 0: none"),
    hiddenD: described(v.optional(whole(0, 4096), 256), "units of the discriminator's hidden layer; 0: none"),
    norm: described(
      v.optional(v.picklist(['batch', 'none']), 'batch'),
      'normalisation between the convolutions of the discriminator',
    ),
    conditioning: described(
      v.optional(v.picklist(['projection', 'auxiliary']), 'projection'),
      'how the discriminator uses the class: projection, or a second output that predicts it (AC-GAN)',
    ),
    ...playerOptions({
      rates: { g: 2e-3, d: 1e-3 },
      latent: 64,
      schedule: 'linear',
      penalties: { r1: { weight: 0.1, every: 16 } },
    }),
  },
  defaults: { batch: 64, sampleCount: 100 },
  earlier: { hidden: 0, hiddenD: 0 },
  data: { image: 'image', label: 'label' },
  roles: ['g', 'd'],
  fit: (options, { fields, name }) => {
    pictureSizeOf('conditional', fields['image'], name);
    checkPlayers(options);
    if (options.pack > 1)
      throw new UsageError(
        `config.pack: expected 1 for the system 'conditional', got ${options.pack}: a pack of examples has no ` +
          'single class',
        {
          code: 'config.invalid',
        },
      );
    if (classesOf(fields['label']).length < 2)
      throw new UsageError(`config.data: expected at least two classes with names, got those of ${name}`, {
        code: 'config.invalid',
      });
    return options;
  },
  make(options, at) {
    const [example, label] = [at.data.fields['image'] as FieldSpec, at.data.fields['label']]; // `data` requires both
    const { size, channels } = pictureSizeOf('conditional', example, at.data.name);
    const classes = classesOf(label);
    const { base, baseD = base, hidden, hiddenD, latent, conditioning, norm } = options;
    const shape = { size, channels, classes: classes.length };
    const auxiliary = conditioning === 'auxiliary';
    return twoPlayer(
      {
        name: 'conditional',
        g: networkOf(
          at,
          'g',
          () => conditionalGenerator({ ...shape, base, hidden, latent }),
          dcganDeviation,
          options.init,
        ),
        d: networkOf(
          at,
          'd',
          () => conditionalDiscriminator({ ...shape, base: baseD, hidden: hiddenD, auxiliary, norm }),
          dcganDeviation,
          options.init,
        ),
        field: 'image',
        example,
        classes,
        output: { name: 'image', role: 'image', range: [-1, 1] },
      },
      options,
      at,
    );
  },
});

const classesOf = (label: FieldSpec | undefined): readonly string[] => label?.classes ?? [];
