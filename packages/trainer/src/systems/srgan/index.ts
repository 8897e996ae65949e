// SRGAN (Ledig et al. 2017): super-resolution. First a network trained with a pixel loss (SRResNet), then the same
// network with a discriminator, for details that look real (Wang et al. 2018, ESRGAN: relativistic average).
import { heDeviation } from '../../models/initialise.js';
import { patchDiscriminator } from '../../models/patch.js';
import { superResolver } from '../../models/super-resolution.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { game } from './game.js';
import { srganOptions } from './options.js';
import { sizesOf } from './sizes.js';

/** `forja train srgan`: the field `image`, from which small pictures are computed. */
export const srganKind = systemKind({
  name: 'srgan',
  summary: 'pictures made larger (SRResNet, SRGAN)',
  options: srganOptions,
  defaults: { steps: 3000, batch: 16, sampleCount: 8 },
  leastBatch: 1,
  data: { image: 'image' },
  signed: true,
  roles: ['g', 'd', 'f'],
  fit: (options, { fields, name }) => ({ ...options, crop: sizesOf(options, fields['image'], name).crop }),
  make(options, at) {
    const { crop, channels } = sizesOf(options, at.data.fields['image'], at.data.name);
    const { scale, base, baseD = Math.max(1, base >> 1), blocks, up, depthD, spectral } = options;
    const g = networkOf(at, 'g', () => superResolver({ scale, channels, base, blocks, up }), small);
    if (options.adversarial === 0) return game({ g }, { crop, channels }, options, at);
    const d = networkOf(
      at,
      'd',
      () => patchDiscriminator({ size: crop, channels, base: baseD, depth: depthD, norm: 'none', spectral }),
      heDeviation,
    );
    return game({ g, d }, { crop, channels }, options, at);
  },
});

/**
 * A tenth of He's deviation: initially, blocks are near the identity, and the output is near the bicubic one (Wang et
 * al. 2018).
 */
const small = (shape: readonly number[]): number => heDeviation(shape) / 10;
