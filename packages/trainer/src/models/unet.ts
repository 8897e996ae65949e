// U-Net: halves a picture repeatedly, down to a small map, and doubles that back; at each size, the encoder's map of
// that size is concatenated. Ronneberger et al. 2015; as a generator: Isola et al. 2017 (pix2pix), appendix 6.1.
import { optionsOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { checkWhole, joined, normOf, pictureShape, through, type NormKind, type PictureSize } from './chain.js';
import { conv, up, type UpKind } from './convolution.js';
import { seededDropout } from './layers/index.js';

/** Sizes of a U-Net. */
export interface UnetConfig {
  /** Edge, or height and width: multiples of 2^depth. Default 64. */
  size?: PictureSize;
  /** Channels of the input. Default 3. */
  input?: number;
  /** Channels of the output. Default 3. */
  output?: number;
  /** Channels of the first map, doubled at each smaller one, up to 8 × `base`. Default 32. */
  base?: number;
  /** How often the picture is halved. Default 4. */
  depth?: number;
  /** Default `instance`. */
  norm?: NormKind;
  /** Default `resize`: transposed convolutions leave a grid in the picture. */
  up?: UpKind;
  /** Dropout rate of the decoder's three smallest maps; pix2pix has 0.5. Default 0. */
  dropout?: number;
  /** Prefix of the layers' names. Default `g`. */
  name?: string;
}

/** Picture [n, h, w, input] → picture [n, h, w, output] in [-1, 1]. Layers are `<name>/down<i>`, `<name>/up<i>`. */
export function unet(config: UnetConfig = {}): tf.LayersModel {
  optionsOf('unet', config, 'base depth dropout input name norm output size up');
  const { size = 64, input = 3, output = 3, base = 32, depth = 4, norm = 'instance', dropout = 0, name = 'g' } = config;
  checkWhole('unet', { input, output, base, depth });
  const width = (i: number): number => base * Math.min(2 ** i, 8);
  const picture = tf.input({ shape: pictureShape('unet', size, input, 2 ** depth), name: `${name}/input` });
  const skips: tf.SymbolicTensor[] = [];
  let x = picture;
  for (let i = 0; i < depth; i++) {
    // the smallest map may be a single pixel, which instance norm would make 0
    const kind = i === 0 || i === depth - 1 ? 'none' : norm;
    x = through(
      x,
      conv({ filters: width(i), kernelSize: 4, strides: 2, useBias: kind === 'none', name: `${name}/down${i}` }),
      normOf(kind, `${name}/down${i}_norm`),
      tf.layers.leakyReLU({ alpha: 0.2, name: `${name}/down${i}_leaky` }),
    );
    skips.push(x);
  }
  for (let i = depth - 1; i > 0; i--) {
    x = through(
      x,
      ...up(config.up ?? 'resize', {
        filters: width(i - 1),
        kernelSize: 4,
        useBias: norm === 'none',
        name: `${name}/up${i}`,
      }),
      normOf(norm, `${name}/up${i}_norm`),
      dropout > 0 && i >= depth - 3 ? seededDropout({ rate: dropout, name: `${name}/up${i}_dropout` }) : undefined,
      tf.layers.reLU({ name: `${name}/up${i}_relu` }),
    );
    const skip = skips[i - 1];
    if (skip !== undefined) x = joined(tf.layers.concatenate({ axis: -1, name: `${name}/up${i}_skip` }), x, skip);
  }
  x = through(
    x,
    ...up(config.up ?? 'resize', { filters: output, kernelSize: 4, name: `${name}/up0` }),
    tf.layers.activation({ activation: 'tanh', name: `${name}/tanh` }),
  );
  return tf.model({ inputs: picture, outputs: x, name });
}
