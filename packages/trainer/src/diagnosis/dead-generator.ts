// The generator makes the same example from every latent: its units are dead (ReLUs that never fire again after too
// large a step, Lu et al. 2019, "Dying ReLU and Initialization") or its output is saturated, so no gradient flows.
import type { Detector } from './diagnosis.js';
import { figure, lastOf, rateOf } from './read.js';

/** Spread, relative to the data's, below which all examples count as the same. */
const DEAD = 1e-3;

export const deadGenerator: Detector = {
  name: 'dead-generator',
  summary: 'the generator makes the same example from every latent',
  find(at) {
    const spread = lastOf(at, 3, 'spread');
    if (spread === undefined || Math.max(...spread) > DEAD) return undefined;
    return (
      'the generator is dead: it makes the same example from every latent (spread ' +
      `${figure(spread.at(-1) as number)} of the data's), and more training does not help`
    );
  },
  remedies: [
    {
      does: 'starts again with a lower rate of the generator, which does not kill its units',
      flag: (at) => {
        const rate = rateOf(at, 'g');
        return rate !== undefined && rate > 1e-3 ? `--rate-g ${Math.min(rate / 10, 1e-3)}` : undefined;
      },
    },
    {
      does: 'uses units that always let some gradient through',
      flag: ({ options, config }) =>
        options.has('activation') && config['activation'] === 'relu' ? '--activation elu' : undefined,
    },
  ],
};
