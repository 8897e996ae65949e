// The discriminator is always right, and the generator makes no progress (Goodfellow 2016, "NIPS Tutorial", section
// 4.3; Arjovsky and Bottou 2017, theorem 2.6: the remaining gradient is noise).
import type { Detector } from './diagnosis.js';
import { figure, lacksPenalty, lastOf, mean, percent, rateOf, rightOf, unused } from './read.js';

/** Minimum accuracy of D, minimum distance of generated examples from the data, and for how many blocks. */
const [ALWAYS, APART, BLOCKS] = [0.95, 0.05, 8];

export const overwhelmingDiscriminator: Detector = {
  name: 'overwhelming-discriminator',
  summary: 'the discriminator is always right, and the generator makes no progress',
  after: ['dead-generator', 'mode-collapse', 'vanishing-gradients', 'exploding-gradients', 'overfitting-discriminator'],
  find(at) {
    if (at.config['loss'] === 'saturating') return undefined; // then vanishing-gradients.ts applies
    const right = rightOf(at, BLOCKS);
    const distance = lastOf(at, BLOCKS, 'apart');
    if (right === undefined || distance === undefined || Math.min(...right) < ALWAYS) return undefined;
    if (Math.min(...distance) < APART) return undefined;
    const [before, after] = [distance.slice(0, BLOCKS / 2), distance.slice(BLOCKS / 2)].map(mean) as [number, number];
    if (after < 0.9 * before) return undefined;
    return (
      `the discriminator overwhelms the generator: it gets ${percent(mean(right))} right, and generated ` +
      `examples come no nearer to the data (${figure(after)} apart, ${figure(before)} before)`
    );
  },
  remedies: [
    {
      does: 'flattens the discriminator around the data',
      flag: (at) => (lacksPenalty(at, 'r1', 'gradient-penalty') ? '--penalty r1=1' : undefined),
    },
    {
      does: 'slows the discriminator while its accuracy is above that',
      flag: (at) => (unused(at, 'slowD') && at.config['loss'] !== 'wasserstein' ? '--slow-d-above 0.8' : undefined),
    },
    {
      does: 'slows the discriminator',
      flag: (at) => {
        const rate = rateOf(at, 'd');
        return rate === undefined ? undefined : `--rate-d ${rate / 10}`;
      },
    },
  ],
};
