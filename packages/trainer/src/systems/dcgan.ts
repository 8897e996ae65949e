// DCGAN as a system: its networks, binary cross-entropy, Adam, and the generator's moving average.
import { lossOf } from '../losses/index.js';
import { dcganDiscriminator, dcganGenerator } from '../models/dcgan.js';
import { dcganDeviation, initialise } from '../models/initialise.js';
import { adversarial, checkConfig, type AdversarialConfig } from './adversarial.js';
import type { GanSystem } from './system.js';

/** Options of {@link dcgan}. */
export interface DcganConfig extends AdversarialConfig {
  /** Edge of the square pictures, a multiple of 4. Default 28. */
  size?: number;
  /** Default 1. */
  channels?: number;
  /** Channels of the generator's largest hidden map. Default 64. */
  base?: number;
  /** Channels of the discriminator's first map. Default: base. */
  baseD?: number;
  /** Size of the latent vector. Default 100. */
  latent?: number;
  /** Discriminator that pools instead of striding. */
  pool?: 'avg' | 'max';
}

/**
 * A DCGAN for pictures [batch, size, size, channels] in [-1, 1]. Weights are drawn from N(0, 0.02) by the seed alone.
 * @throws UsageError `config.invalid` for sizes that make no network.
 */
export function dcgan(config: DcganConfig = {}): GanSystem {
  const {
    size = 28,
    channels = 1,
    base = 64,
    baseD = base,
    latent = 100,
    batch = 64,
    pool,
    loss = 'non-saturating',
    seed = 0,
  } = config;
  checkConfig('dcgan', config, { channels, base, baseD, latent, batch });
  const objective = lossOf(loss);
  const shape = { size, channels, base, latent };
  const generator = dcganGenerator({ ...shape, name: 'g' });
  const discriminator = dcganDiscriminator({
    size,
    channels,
    base: baseD,
    name: 'd',
    ...(pool === undefined ? {} : { pool }),
  });
  initialise(generator, { seed, deviation: dcganDeviation });
  initialise(discriminator, { seed, deviation: dcganDeviation, offset: generator.weights.length });
  return adversarial(
    {
      name: 'dcgan',
      generator,
      discriminator,
      average: dcganGenerator({ ...shape, name: 'average' }),
      loss: objective,
      inputs: {
        real: { dtype: 'float32', shape: [batch, size, size, channels], role: 'image', range: [-1, 1] },
        z: { dtype: 'float32', shape: [batch, latent], role: 'latent', random: 'normal' },
      },
      sample: { latent, image: { size, channels, range: [-1, 1] } },
    },
    config,
  );
}
