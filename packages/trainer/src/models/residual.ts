// Residual networks for GANs: the blocks of Gulrajani et al. 2017 and Miyato et al. 2018 (SNGAN, appendix B), with
// conditional norms and projection where there are classes (Miyato and Koyama 2018).
import * as tf from '@tensorflow/tfjs';
import { checkWhole, joined, through } from './chain.js';
import { conv, dense, double } from './convolution.js';
import { conditionalNorm, minibatchDeviation, projection } from './layers/index.js';
import { selfAttention } from './self-attention.js';
import { mapSizes } from './sizes.js';

/** What both residual networks are told. */
export interface ResidualConfig {
  /** Edge of the square pictures: a multiple of 4 from 8. Default 32. */
  size?: number;
  /** Default 3. */
  channels?: number;
  /** Channels of every map. Default 64. */
  base?: number;
  /** Number of classes; then the network takes labels [n], int32, too. Default none. */
  classes?: number;
  /** Edge of the map that self-attention looks at (Zhang et al. 2019). Default none. */
  attention?: number;
  /** Spectral normalisation of all convolutions and dense layers. Default: in the discriminator. */
  spectral?: boolean;
  /** Prefix of the layers' names. Default `g`, `d`. */
  name?: string;
}

/** Options of {@link residualGenerator}. */
export interface ResidualGeneratorConfig extends ResidualConfig {
  /** Size of the latent vector. Default 128. */
  latent?: number;
}

/** Options of {@link residualDiscriminator}. */
export interface ResidualDiscriminatorConfig extends ResidualConfig {
  /** A channel of minibatch standard deviation before the end, in groups of so many. Default none. */
  deviation?: number;
}

type Path = (x: tf.SymbolicTensor) => tf.SymbolicTensor;

const relu = (name: string): tf.layers.Layer => tf.layers.reLU({ name: `${name}_relu` });
const labelsOf = (name: string): tf.SymbolicTensor => tf.input({ shape: [], dtype: 'int32', name: `${name}/labels` });

/**
 * z [n, latent] (and labels [n]) → picture [n, size, size, channels] in [-1, 1]: dense, blocks that double, norm, ReLU,
 * convolution, tanh. A block is `<name>/block<i>_a`, `_b`, `_skip`.
 */
export function residualGenerator(config: ResidualGeneratorConfig = {}): tf.LayersModel {
  const { size = 32, channels = 3, base = 64, latent = 128, classes, attention, spectral = false, name = 'g' } = config;
  checkWhole('residual', { channels, base, latent, classes: classes ?? 1 });
  const maps = mapSizes(size).reverse();
  const small = maps[0] ?? size;
  const labels = classes === undefined ? undefined : labelsOf(name);
  const norm =
    (of: string): Path =>
    (x) =>
      labels === undefined || classes === undefined
        ? through(x, tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5, name: `${of}_norm` }))
        : joined(conditionalNorm({ classes, name: `${of}_norm` }), x, labels);
  // a norm follows every path through a block, which takes biases away
  const layer = (of: string, kernelSize: number): tf.layers.Layer =>
    conv({ filters: base, kernelSize, useBias: false, spectral, name: of });
  const block = (x: tf.SymbolicTensor, of: string): tf.SymbolicTensor => {
    const first = through(norm(`${of}_a`)(x), relu(`${of}_a`), double(`${of}_a_up`), layer(`${of}_a`, 3));
    const second = through(norm(`${of}_b`)(first), relu(`${of}_b`), layer(`${of}_b`, 3));
    return joined(tf.layers.add({ name: of }), through(x, double(`${of}_skip_up`), layer(`${of}_skip`, 1)), second);
  };
  const z = tf.input({ shape: [latent], name: `${name}/z` });
  let x = through(
    z,
    dense(small * small * base, `${name}/dense`, { spectral }),
    tf.layers.reshape({ targetShape: [small, small, base], name: `${name}/reshape` }),
  );
  if (attention === small) x = selfAttention(x, { spectral, name: `${name}/attention` });
  [...maps.slice(1), size].forEach((map, i) => {
    x = block(x, `${name}/block${i}`);
    if (attention === map) x = selfAttention(x, { spectral, name: `${name}/attention` });
  });
  const last = through(
    norm(`${name}/last`)(x),
    relu(`${name}/last`),
    conv({ filters: channels, kernelSize: 3, spectral, name: `${name}/last` }),
    tf.layers.activation({ activation: 'tanh', name: `${name}/tanh` }),
  );
  return tf.model({ inputs: labels === undefined ? z : [z, labels], outputs: last, name });
}

/**
 * Picture [n, size, size, channels] (and labels [n]) → logit [n, 1]: blocks that halve, ReLU, sum over places, dense or
 * projection. A block is `<name>/block<i>_a`, `_b`, `_skip`.
 */
export function residualDiscriminator(config: ResidualDiscriminatorConfig = {}): tf.LayersModel {
  const { size = 32, channels = 3, base = 64, classes, attention, spectral = true, deviation, name = 'd' } = config;
  checkWhole('residual', { channels, base, classes: classes ?? 1, deviation: deviation ?? 1 });
  const layer = (of: string, kernelSize: number): tf.layers.Layer =>
    conv({ filters: base, kernelSize, spectral, name: of });
  const halve = (of: string): tf.layers.Layer =>
    tf.layers.averagePooling2d({ poolSize: 2, strides: 2, name: `${of}_pool` });
  const block = (x: tf.SymbolicTensor, of: string, first: boolean): tf.SymbolicTensor => {
    // the first block sees the picture itself, which ReLU would cut
    const a = through(
      x,
      first ? undefined : relu(`${of}_a`),
      layer(`${of}_a`, 3),
      relu(`${of}_b`),
      layer(`${of}_b`, 3),
    );
    const skip = first
      ? through(x, halve(`${of}_skip`), layer(`${of}_skip`, 1))
      : through(x, layer(`${of}_skip`, 1), halve(`${of}_skip`));
    return joined(tf.layers.add({ name: of }), through(a, halve(of)), skip);
  };
  const picture = tf.input({ shape: [size, size, channels], name: `${name}/input` });
  let x = picture;
  mapSizes(size).forEach((map, i) => {
    x = block(x, `${name}/block${i}`, i === 0);
    if (attention === map) x = selfAttention(x, { spectral, name: `${name}/attention` });
  });
  x = through(
    x,
    deviation === undefined ? undefined : minibatchDeviation({ group: deviation, name: `${name}/deviation` }),
    layer(`${name}/last`, 3),
    relu(`${name}/last`),
    tf.layers.globalAveragePooling2d({ name: `${name}/mean` }),
  );
  if (classes === undefined)
    return tf.model({ inputs: picture, outputs: through(x, dense(1, `${name}/dense`, { spectral })), name });
  const labels = labelsOf(name);
  const logits = joined(projection({ classes, spectral, name: `${name}/projection` }), x, labels);
  return tf.model({ inputs: [picture, labels], outputs: logits, name });
}
