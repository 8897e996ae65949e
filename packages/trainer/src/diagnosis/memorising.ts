// The generator copies its training examples: generated ones are nearer to them than the holdout is (Meehan et al.
// 2020, "A Non-Parametric Test to Detect Data-Copying"). Needs the measure `memorisation`.
import type { Detector } from './diagnosis.js';
import { augments, lacksPenalty, lastScores, mean, percent, unused } from './read.js';

/** Share of copies; a perfect sampler has 0.01. */
const COPIES = 0.2;

export const memorising: Detector = {
  name: 'memorising',
  summary: 'the generator copies training examples',
  find(at) {
    const copies = lastScores(at, 3, 'memorised');
    if (copies === undefined || Math.min(...copies) < COPIES) return undefined;
    return (
      `the generator memorises: ${percent(mean(copies))} of its examples are nearer to a training ` +
      'example than 99 % of the held-out examples are'
    );
  },
  remedies: [
    {
      does: 'shows the discriminator randomly augmented pictures (DiffAugment)',
      flag: (at) => (augments(at) ? '--augment diffaug' : undefined),
    },
    {
      does: 'blurs what the discriminator sees, so that single examples do not stand out',
      flag: (at) => (unused(at, 'instanceNoise') ? '--instance-noise 0.3' : undefined),
    },
    {
      does: 'flattens the discriminator around the data, so that single examples attract nothing',
      flag: (at) => (lacksPenalty(at, 'r1', 'gradient-penalty') ? '--penalty r1=1' : undefined),
    },
  ],
};
