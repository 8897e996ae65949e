// The generator makes few different examples (Goodfellow 2016, "NIPS Tutorial", section 5.1.1; Metz et al. 2017). It
// shows in the spread of a batch (the statistic of Karras et al. 2018, section 3), and in the number of modes if that
// is measured.
import type { Case, Detector } from './diagnosis.js';
import { figure, lastOf, lastScores, lacksPenalty, mean, unused } from './read.js';

/** Spread, relative to the data's, below which a batch has too little variety. */
const POOR = 0.25;

export const modeCollapse: Detector = {
  name: 'mode-collapse',
  summary: 'the generator makes few different examples',
  after: ['dead-generator', 'weak-discriminator'],
  find(at) {
    const spread = lastOf(at, 5, 'spread');
    if (spread !== undefined && Math.max(...spread) < POOR)
      return `mode collapse: examples of a batch differ ${figure(mean(spread))} times as much as those of the data`;
    return fewModes(at);
  },
  remedies: [
    {
      does: 'flattens the discriminator around the data, so that the generator is not driven from mode to mode',
      flag: (at) => (lacksPenalty(at, 'r1', 'gradient-penalty') ? '--penalty r1=1' : undefined),
    },
    {
      does: 'lets the discriminator judge two examples together, so that it sees when they are alike (PacGAN)',
      flag: (at) =>
        unused(at, 'pack') && Number(at.config['batch']) % 2 === 0 && !at.reads.has('label') ? '--pack 2' : undefined,
    },
    {
      does: 'compares each generated example with a real one, so that no mode can be ignored',
      flag: ({ options, config }) => (options.has('loss') && config['loss'] !== 'rpgan' ? '--loss rpgan' : undefined),
    },
  ],
};

/** Less than half of the modes in each of five measurements. */
function fewModes({ measures, modes, blocks }: Case): string | undefined {
  const [reached, good] = [lastScores({ measures }, 5, 'modes'), lastScores({ measures }, 5, 'high_quality')];
  if (reached === undefined || good === undefined || modes === undefined || blocks.length < 10) return undefined;
  if (Math.max(...reached) >= modes / 2 || Math.min(...good) < 0.3) return undefined; // enough modes, or bad points
  return `mode collapse: generated examples reach ${reached.at(-1)} of the ${modes} modes of the data`;
}
