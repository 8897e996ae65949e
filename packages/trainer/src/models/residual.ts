// Residual networks for GANs: the blocks of Gulrajani et al. 2017 and Miyato et al. 2018 (SNGAN, appendix B), with
// conditional norms and projection if there are classes (Miyato and Koyama 2018).
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { checkWhole, joined, through, type PictureSize } from './chain.js';
import { conv, dense, double } from './convolution.js';
import { conditionalNorm, globalSum, minibatchDeviation, projection } from './layers/index.js';
import { selfAttention } from './self-attention.js';
import { edgeOf, heightWidth, mapSizes } from './sizes.js';

/** Options of both residual networks. */
export interface ResidualConfig {
  /** Edge of square pictures, or [height, width]: multiples of 4, at least 8. Default 32. */
  size?: PictureSize;
  /** Default 3. */
  channels?: number;
  /** Channels of the largest map. Default 64. */
  base?: number;
  /** Each smaller map has twice the channels, up to this many. Default `base`: all the same, as for 32 pixels. */
  widest?: number;
  /** Number of classes; if given, the network also takes labels [n], int32. Default none. */
  classes?: number;
  /** Edge (the shorter one) of the map to which self-attention is applied (Zhang et al. 2019). Default none. */
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
  /** `none`: biases instead of norms; not with classes, which are an input of the norms. Default `batch`. */
  norm?: 'batch' | 'none';
  /** Final activation: `tanh` to [-1, 1], or `sigmoid` to [0, 1]. Default `tanh`. */
  output?: 'tanh' | 'sigmoid';
}

/** Options of {@link residualDiscriminator}. */
export interface ResidualDiscriminatorConfig extends ResidualConfig {
  /** Size of the groups of a minibatch standard deviation before the last layers. Default none. */
  deviation?: number;
}

type Path = (x: tf.SymbolicTensor) => tf.SymbolicTensor;

const relu = (name: string): tf.layers.Layer => tf.layers.reLU({ name: `${name}_relu` });
const labelsOf = (name: string): tf.SymbolicTensor => tf.input({ shape: [], dtype: 'int32', name: `${name}/labels` });

/** Channels of each map from the largest down. */
const widthsOf = (maps: readonly unknown[], base: number, widest: number): number[] =>
  maps.map((_, i) => Math.max(base, Math.min(widest, base * 2 ** i)));

/**
 * z [n, latent] (and labels [n]) → picture [n, height, width, channels]: dense, blocks that double, norm, ReLU,
 * convolution, `output`. A block is `<name>/block<i>_a`, `_b`, `_skip`.
 * @throws UsageError `config.invalid` for invalid sizes.
 */
export function residualGenerator(config: ResidualGeneratorConfig = {}): tf.LayersModel {
  optionsOf('residual', config, 'attention base channels classes latent name norm output size spectral widest');
  const { size = 32, channels = 3, base = 64, widest = base, latent = 128, classes, attention } = config;
  const { spectral = false, norm: kind = 'batch', output = 'tanh', name = 'g' } = config;
  checkWhole('residual', { channels, base, widest, latent, classes: classes ?? 1 });
  if (kind === 'none' && classes !== undefined)
    throw new UsageError(
      "residual.norm: expected 'batch' for a network with classes, got 'none': classes are inputs of the norms",
      {
        code: 'config.invalid',
      },
    );
  const maps = mapSizes(size);
  const edges = [heightWidth(size), ...maps].map(edgeOf);
  checkAttention(attention, edges);
  const widths = widthsOf(maps, base, widest);
  const [height, width] = maps.at(-1) ?? heightWidth(size);
  const first = widths.at(-1) ?? base;
  const labels = classes === undefined ? undefined : labelsOf(name);
  const norm =
    (of: string): Path =>
    (x) => {
      if (kind === 'none') return x;
      return labels === undefined || classes === undefined
        ? through(x, tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5, name: `${of}_norm` }))
        : joined(conditionalNorm({ classes, name: `${of}_norm` }), x, labels);
    };
  // a norm follows every path through a block, so biases would have no effect
  const layer = (of: string, filters: number, kernelSize: number): tf.layers.Layer =>
    conv({ filters, kernelSize, useBias: kind === 'none', spectral, name: of });
  const block = (x: tf.SymbolicTensor, of: string, filters: number): tf.SymbolicTensor => {
    const a = through(norm(`${of}_a`)(x), relu(`${of}_a`), double(`${of}_a_up`), layer(`${of}_a`, filters, 3));
    const b = through(norm(`${of}_b`)(a), relu(`${of}_b`), layer(`${of}_b`, filters, 3));
    // a 1 × 1 convolution before the doubling gives the same result at a quarter of the cost
    const skip = through(x, layer(`${of}_skip`, filters, 1), double(`${of}_skip_up`));
    return joined(tf.layers.add({ name: of }), skip, b);
  };
  const z = tf.input({ shape: [latent], name: `${name}/z` });
  let x = through(
    z,
    dense(height * width * first, `${name}/dense`, { spectral }),
    tf.layers.reshape({ targetShape: [height, width, first], name: `${name}/reshape` }),
  );
  if (attention === edges.at(-1)) x = selfAttention(x, { spectral, name: `${name}/attention` });
  [...widths].reverse().forEach((filters, i) => {
    x = block(x, `${name}/block${i}`, filters);
    if (attention === edges.at(-2 - i)) x = selfAttention(x, { spectral, name: `${name}/attention` });
  });
  const last = through(
    norm(`${name}/last`)(x),
    relu(`${name}/last`),
    conv({ filters: channels, kernelSize: 3, spectral, name: `${name}/last` }),
    tf.layers.activation({ activation: output, name: `${name}/${output}` }),
  );
  return tf.model({ inputs: labels === undefined ? z : [z, labels], outputs: last, name });
}

/**
 * Picture [n, height, width, channels] (and labels [n]) → logit [n, 1]: blocks that halve, a convolution, ReLU, sum
 * over places, dense or projection. A block is `<name>/block<i>_a`, `_b`, `_skip`.
 * @throws UsageError `config.invalid` for invalid sizes.
 */
export function residualDiscriminator(config: ResidualDiscriminatorConfig = {}): tf.LayersModel {
  optionsOf('residual', config, 'attention base channels classes deviation name size spectral widest');
  const { size = 32, channels = 3, base = 64, widest = base, classes, attention } = config;
  const { spectral = true, deviation, name = 'd' } = config;
  checkWhole('residual', { channels, base, widest, classes: classes ?? 1, deviation: deviation ?? 1 });
  const maps = mapSizes(size);
  checkAttention(attention, maps.map(edgeOf));
  const widths = widthsOf(maps, base, widest);
  const layer = (of: string, filters: number, kernelSize: number): tf.layers.Layer =>
    conv({ filters, kernelSize, spectral, name: of });
  const halve = (of: string): tf.layers.Layer =>
    tf.layers.averagePooling2d({ poolSize: 2, strides: 2, name: `${of}_pool` });
  const block = (x: tf.SymbolicTensor, of: string, filters: number, first: boolean): tf.SymbolicTensor => {
    // no ReLU before the first block: it would clip the picture
    const a = through(
      x,
      first ? undefined : relu(`${of}_a`),
      layer(`${of}_a`, filters, 3),
      relu(`${of}_b`),
      layer(`${of}_b`, filters, 3),
    );
    // pooling before the 1 × 1 convolution gives the same result at a quarter of the cost
    const skip = through(x, halve(`${of}_skip`), layer(`${of}_skip`, filters, 1));
    return joined(tf.layers.add({ name: of }), through(a, halve(of)), skip);
  };
  const picture = tf.input({ shape: [...heightWidth(size), channels], name: `${name}/input` });
  let x = picture;
  maps.forEach((map, i) => {
    x = block(x, `${name}/block${i}`, widths[i] ?? base, i === 0);
    if (attention === edgeOf(map)) x = selfAttention(x, { spectral, name: `${name}/attention` });
  });
  x = through(
    x,
    deviation === undefined ? undefined : minibatchDeviation({ group: deviation, name: `${name}/deviation` }),
    layer(`${name}/last`, widths.at(-1) ?? base, 3),
    relu(`${name}/last`),
    globalSum({ name: `${name}/sum` }),
  );
  if (classes === undefined)
    return tf.model({ inputs: picture, outputs: through(x, dense(1, `${name}/dense`, { spectral })), name });
  const labels = labelsOf(name);
  const logits = joined(projection({ classes, spectral, name: `${name}/projection` }), x, labels);
  return tf.model({ inputs: [picture, labels], outputs: logits, name });
}

/** @throws UsageError `config.invalid` for attention at a map size that the network does not have. */
function checkAttention(attention: number | undefined, maps: readonly number[]): void {
  if (attention !== undefined && !maps.includes(attention))
    throw new UsageError(
      `residual.attention: expected the edge of a map (${maps.join(', ')}), got ${shown(attention)}`,
      {
        code: 'config.invalid',
      },
    );
}
