// Gradients grow without bound: the critic is not kept Lipschitz (Arjovsky et al. 2017, section 3; Gulrajani et al.
// 2017), or steps are too large (Pascanu et al. 2013, section 3.2, who introduce clipping).
import type { Detector } from './diagnosis.js';
import { figure, lacksPenalty, lastOf, rateOf, unused } from './read.js';

/**
 * Growth since the log's first line that counts as an explosion, by player; higher for G, because G's gradient also
 * grows when D wins.
 */
const GROWN = { d: 100, g: 1000 };

export const explodingGradients: Detector = {
  name: 'exploding-gradients',
  summary: 'gradients grow without bound',
  find(at) {
    for (const [player, words] of [
      ['d', "the discriminator's"],
      ['g', "the generator's"],
    ] as const) {
      const now = lastOf(at, 5, `grad_${player}`);
      const first = at.start[`grad_${player}`];
      if (now === undefined || first === undefined) continue;
      const grows = now.every((value) => value > GROWN[player] * first) && (now.at(-1) as number) > (now[0] as number);
      if (grows)
        return (
          `exploding gradients: the norm of ${words} gradient has grown to ${figure(now.at(-1) as number)}, ` +
          `from ${figure(first)} at the start`
        );
    }
    return undefined;
  },
  remedies: [
    {
      does: "keeps the norm of the critic's gradient near 1, which this loss assumes (WGAN-GP)",
      flag: (at) =>
        at.config['loss'] === 'wasserstein' && lacksPenalty(at, 'gradient-penalty', 'weight-clipping')
          ? '--penalty gradient-penalty=10'
          : undefined,
    },
    {
      does: 'scales gradients down to a norm of 1',
      flag: (at) => (unused(at, 'clipNorm') ? '--clip-norm 1' : undefined),
    },
    {
      does: 'makes smaller steps',
      flag: (at) => {
        const rate = rateOf(at, 'd');
        return rate === undefined ? undefined : `--rate-d ${rate / 10}`;
      },
    },
  ],
};
