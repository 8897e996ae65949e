// The generator that turns one picture into another through residual blocks. Johnson et al. 2016; Zhu et al. 2017
// (CycleGAN), appendix 7.2.
import { optionsOf, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { checkWhole, joined, normOf, pictureShape, through, type NormKind, type PictureSize } from './chain.js';
import { conv, double, up, type UpKind } from './convolution.js';
import { croppedSum, reflectPad } from './layers/index.js';

/** Sizes of a translator. */
export interface TranslatorConfig {
  /** Edge, or height and width: multiples of 4, at least 8. Default 64. */
  size?: PictureSize;
  /**
   * Take pictures of any size; without `skip` the output's edges are rounded up to multiples of 4. Default false: only
   * `size`.
   */
  open?: boolean;
  /** Channels of the input. Default 3. */
  input?: number;
  /** Channels of the output. Default 3. */
  output?: number;
  /** Channels at full size; four times as many in the blocks. Default 32. */
  base?: number;
  /** Number of residual blocks. Default 6. */
  blocks?: number;
  /** Default `instance`. */
  norm?: NormKind;
  /** Default `resize`: transposed convolutions leave a grid in the picture. */
  up?: UpKind;
  /**
   * Padding of the convolutions that halve, and of those after a `resize`: with `zeros` the network can tell how far a
   * border is. All others reflect. Default `zeros`, as in the paper's code.
   */
  padding?: 'reflect' | 'zeros';
  /**
   * Add the input to the output before its tanh, so that the network begins with nearly the picture itself and learns
   * what to change. Needs as many channels in as out. Default false.
   */
  skip?: boolean;
  /** Prefix of the layers' names. Default `g`. */
  name?: string;
}

/**
 * Picture [n, h, w, input] → picture [n, h, w, output] in [-1, 1]. Layers are `<name>/first`, `<name>/down<i>`,
 * `<name>/block<i>_a`, `<name>/block<i>_b`, `<name>/up<i>`, `<name>/last`.
 */
export function translator(config: TranslatorConfig = {}): tf.LayersModel {
  optionsOf('translator', config, 'base blocks input name norm open output padding size skip up');
  const { size = 64, input = 3, output = 3, base = 32, blocks = 6, norm = 'instance', name = 'g' } = config;
  const { padding = 'zeros', skip = false } = config;
  checkWhole('translator', { input, output, base });
  checkWhole('translator', { blocks }, 0);
  if (skip && input !== output)
    throw new UsageError(
      `translator.skip: expected as many channels in as out, got ${input} and ${output}; leave skip out`,
      { code: 'config.invalid' },
    );
  const useBias = norm === 'none';
  const relu = (of: string): tf.layers.Layer => tf.layers.reLU({ name: `${of}_relu` });
  const normal = (of: string): tf.layers.Layer | undefined => normOf(norm, `${of}_norm`);
  /** A convolution with reflection padding. */
  const reflected = (
    filters: number,
    kernelSize: number,
    of: string,
    bias = useBias,
    strides = 1,
  ): tf.layers.Layer[] => [
    reflectPad({ by: (kernelSize - 1) / 2, name: `${of}_pad` }),
    conv({ filters, kernelSize, strides, padding: 'valid', useBias: bias, name: of }),
  ];
  const halve = (filters: number, of: string): tf.layers.Layer[] =>
    padding === 'reflect'
      ? reflected(filters, 3, of, useBias, 2)
      : [conv({ filters, kernelSize: 3, strides: 2, useBias, name: of })];
  const enlarge = (filters: number, of: string): tf.layers.Layer[] =>
    padding === 'reflect' && config.up !== 'transposed'
      ? [double(`${of}_resize`), ...reflected(filters, 3, of)]
      : up(config.up ?? 'resize', { filters, kernelSize: 3, useBias, name: of });
  const own = pictureShape('translator', size, input, 4);
  const shape = config.open === true ? [null, null, input] : own;
  const picture = tf.input({ shape, name: `${name}/input` });
  let x = through(picture, ...reflected(base, 7, `${name}/first`), normal(`${name}/first`), relu(`${name}/first`));
  for (const i of [0, 1]) {
    const of = `${name}/down${i}`;
    x = through(x, ...halve(base * 2 ** (i + 1), of), normal(of), relu(of));
  }
  for (let i = 0; i < blocks; i++) {
    const [a, b] = [`${name}/block${i}_a`, `${name}/block${i}_b`];
    const inner = through(x, ...reflected(base * 4, 3, a), normal(a), relu(a), ...reflected(base * 4, 3, b), normal(b));
    x = joined(tf.layers.add({ name: `${name}/block${i}_sum` }), x, inner);
  }
  for (const i of [0, 1]) {
    const of = `${name}/up${i}`;
    x = through(x, ...enlarge(base * 2 ** (1 - i), of), normal(of), relu(of));
  }
  x = through(x, ...reflected(output, 7, `${name}/last`, true));
  if (skip) x = joined(croppedSum({ name: `${name}/skip` }), picture, x);
  x = through(x, tf.layers.activation({ activation: 'tanh', name: `${name}/tanh` }));
  return tf.model({ inputs: picture, outputs: x, name });
}
