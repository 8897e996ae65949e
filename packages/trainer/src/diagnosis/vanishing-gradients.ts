// The discriminator is so sure that the generator's gradient vanishes: the saturating loss log(1 − D(G(z))) is flat
// there (Goodfellow et al. 2014, section 3; Arjovsky and Bottou 2017, theorem 2.4).
import type { Detector } from './diagnosis.js';
import { allOf, figure, lacksPenalty, lastOf, mean, percent, unused } from './read.js';

/** Maximum gradient norm, relative to its largest block mean, and minimum accuracy of D on fakes. */
const [GONE, SURE] = [0.01, 0.95];

export const vanishingGradients: Detector = {
  name: 'vanishing-gradients',
  summary: "the generator's gradient has vanished, so that it learns nothing",
  after: ['dead-generator', 'mode-collapse', 'weak-discriminator'],
  find(at) {
    const now = lastOf(at, 3, 'grad_g');
    const most = allOf(at, 'grad_g').reduce((a, b) => Math.max(a, b), 0);
    const sees = lastOf(at, 3, 'd_fake');
    if (now === undefined || sees === undefined) return undefined;
    if (Math.max(...now) > GONE * most || Math.min(...sees) < SURE) return undefined;
    return (
      `vanishing gradients: the norm of the generator's gradient has fallen to ` +
      `${figure(now.at(-1) as number)}, from ${figure(most)}, and the discriminator recognises ` +
      `${percent(mean(sees))} of the fakes`
    );
  },
  remedies: [
    {
      does: 'has the steepest slope where the discriminator is sure',
      flag: ({ options, config }) =>
        options.has('loss') && config['loss'] === 'saturating' ? '--loss non-saturating' : undefined,
    },
    {
      does: 'blurs what the discriminator sees, so that it cannot be sure',
      flag: (at) => (unused(at, 'instanceNoise') ? '--instance-noise 0.1' : undefined),
    },
    {
      does: 'keeps the slope of the discriminator small',
      flag: (at) => (lacksPenalty(at, 'r1', 'gradient-penalty') ? '--penalty r1=1' : undefined),
    },
  ],
};
