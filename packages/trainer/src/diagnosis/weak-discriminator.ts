// The discriminator is at chance although generated examples clearly differ from the data, so the generator learns
// nothing. At the equilibrium it is at chance too (Goodfellow et al. 2014, proposition 1), but then they do not differ.
import type { Detector } from './diagnosis.js';
import { figure, lastOf, mean, percent, rateOf, rightOf, unused } from './read.js';

/** Maximum accuracy, minimum distance, minimum spread (below it is mode collapse), and for how many blocks. */
const [CHANCE, APART, SPREAD, BLOCKS] = [0.6, 0.3, 0.25, 8];

export const weakDiscriminator: Detector = {
  name: 'weak-discriminator',
  summary: 'the discriminator cannot tell generated examples from real ones, though they clearly differ',
  after: ['exploding-gradients', 'dead-generator', 'mode-collapse'],
  find(at) {
    const right = rightOf(at, BLOCKS);
    const distance = lastOf(at, BLOCKS, 'apart');
    const spread = lastOf(at, BLOCKS, 'spread');
    if (right === undefined || distance === undefined || spread === undefined) return undefined;
    if (Math.max(...right) > CHANCE || Math.min(...distance) < APART || Math.min(...spread) < SPREAD) return undefined;
    return (
      `the discriminator is too weak: it gets ${percent(mean(right))} right (chance: 50 %), although ` +
      `generated examples are far from the data (${figure(mean(distance))} apart; 0: alike, 1: nothing in ` +
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
