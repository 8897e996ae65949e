// The discriminator has memorised the training examples: it distinguishes them from unseen real ones (Karras et al.
// 2020, "Training GANs with Limited Data", section 2, whose r_v compares the same three means).
import type { Detector } from './diagnosis.js';
import { augments, lacksPenalty, lastOf, mean, percent, unused } from './read.js';

/** Share of pairs (training example, held-out example) that D ranks correctly, and for how many blocks. */
const [TELLS, BLOCKS] = [0.7, 10];

export const overfittingDiscriminator: Detector = {
  name: 'overfitting-discriminator',
  summary: 'the discriminator can tell training examples from held-out ones',
  after: ['memorising'],
  find(at) {
    const tells = lastOf(at, BLOCKS, 'd_overfit');
    if (tells === undefined || Math.min(...tells) < TELLS - 0.05 || mean(tells) < TELLS) return undefined;
    return (
      'the discriminator overfits: it ranks training examples above held-out ones in ' +
      `${percent(mean(tells))} of the pairs (1/2 by chance)`
    );
  },
  remedies: [
    {
      does: 'shows it randomly augmented pictures, so that it cannot memorise them (DiffAugment)',
      flag: (at) => (augments(at) ? '--augment diffaug' : undefined),
    },
    {
      does: 'blurs what it sees, so that single examples do not stand out',
      flag: (at) => (unused(at, 'instanceNoise') ? '--instance-noise 0.2' : undefined),
    },
    {
      does: 'flattens it around the data',
      flag: (at) => (lacksPenalty(at, 'r1', 'gradient-penalty') ? '--penalty r1=1' : undefined),
    },
  ],
};
