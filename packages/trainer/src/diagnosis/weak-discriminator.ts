// The discriminator does no better than chance although made examples are evidently others than the data: so it teaches
// the generator nothing. At the equilibrium, too, it is at chance (Goodfellow et al. 2014, proposition 1), but then the
// two are alike.
import type { Detector } from './diagnosis.js';
import { figure, lastOf, mean, percent, rateOf, rightOf, unused } from './read.js';

/** Share right at most, distance and spread at least: examples that are all alike are another failure. */
const [CHANCE, APART, SPREAD, BLOCKS] = [0.6, 0.3, 0.25, 8];

export const weakDiscriminator: Detector = {
  name: 'weak-discriminator',
  summary: 'the discriminator cannot tell examples apart that are evidently different',
  after: ['exploding-gradients', 'dead-generator', 'mode-collapse'],
  find(at) {
    const right = rightOf(at, BLOCKS);
    const distance = lastOf(at, BLOCKS, 'apart');
    const spread = lastOf(at, BLOCKS, 'spread');
    if (right === undefined || distance === undefined || spread === undefined) return undefined;
    if (Math.max(...right) > CHANCE || Math.min(...distance) < APART || Math.min(...spread) < SPREAD) return undefined;
    return (
      `the discriminator is too weak: it gets ${percent(mean(right))} right (chance: 50 %), although ` +
      `made examples are far from the data (${figure(mean(distance))} apart; 0: alike, 1: nothing in ` +
      'common)'
    );
  },
  remedies: [
    {
      does: 'lets the discriminator learn as fast as the generator',
      flag: (at) => {
        const [g, d] = [rateOf(at, 'g'), rateOf(at, 'd')];
        return g !== undefined && d !== undefined && d < g ? `--rate-d ${g}` : undefined;
      },
    },
    {
      does: 'trains the discriminator five times for each step of the generator',
      flag: (at) => (unused(at, 'dSteps') ? '--d-steps 5' : undefined),
    },
    {
      does: 'speeds the discriminator up while it loses',
      flag: (at) => (unused(at, 'boostD') && at.config['loss'] !== 'wasserstein' ? '--boost-d-below 0.6' : undefined),
    },
  ],
};
