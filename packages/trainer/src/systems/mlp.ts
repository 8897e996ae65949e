// A GAN of two MLPs, for points and other vectors: small enough to look at, with no convolution in it.
import { lossOf } from '../losses/index.js';
import { heDeviation, initialise } from '../models/initialise.js';
import { mlp, type MlpConfig } from '../models/mlp.js';
import { adversarial, checkConfig, type AdversarialConfig } from './adversarial.js';
import type { GanSystem } from './system.js';

/** Options of {@link mlpGan}. */
export interface MlpGanConfig extends AdversarialConfig {
  /** Size of one example. Default 2. */
  size?: number;
  /** Size of the latent vector. Default 2. */
  latent?: number;
  /** Size of the generator's two hidden layers. Default 400. */
  hidden?: number;
  /** Size of the discriminator's two hidden layers. Default 200. */
  hiddenD?: number;
  /** Activation between layers. Default `relu`. */
  activation?: NonNullable<MlpConfig['activation']>;
}

/**
 * A GAN on vectors [batch, size]. Weights are drawn by the seed alone, N(0, 2 / fan-in).
 * @throws UsageError `config.invalid` for sizes that make no network.
 */
export function mlpGan(config: MlpGanConfig = {}): GanSystem {
  const {
    size = 2,
    latent = 2,
    hidden = 400,
    hiddenD = 200,
    batch = 64,
    activation = 'relu',
    loss = 'non-saturating',
    seed = 0,
  } = config;
  checkConfig('mlp', config, { size, latent, hidden, hiddenD, batch });
  const objective = lossOf(loss);
  const forger = (name: string): ReturnType<typeof mlp> =>
    mlp({ input: latent, hidden: [hidden, hidden], output: size, activation, name });
  const generator = forger('g');
  const discriminator = mlp({ input: size, hidden: [hiddenD, hiddenD], output: 1, activation, name: 'd' });
  initialise(generator, { seed, deviation: heDeviation });
  initialise(discriminator, { seed, deviation: heDeviation, offset: generator.weights.length });
  return adversarial(
    {
      name: 'mlp',
      generator,
      discriminator,
      average: forger('average'),
      loss: objective,
      inputs: {
        real: { dtype: 'float32', shape: [batch, size], role: 'tensor' },
        z: { dtype: 'float32', shape: [batch, latent], role: 'latent', random: 'normal' },
      },
      sample: { latent, image: undefined },
    },
    config,
  );
}
