// The networks of DCGAN (Radford et al. 2016) as plain tf.LayersModels, for pictures whose edges are multiples of 4.
// Kernel 4 and stride 2 throughout.
import { optionsOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { PictureSize } from './chain.js';
import { heightWidth, mapSizes } from './sizes.js';

/** Sizes of a DCGAN's generator. */
export interface DcganGeneratorConfig {
  /** Edge of square pictures, or [height, width]: multiples of 4. Default 28. */
  size?: PictureSize;
  /** 1 (grey) or 3 (RGB), or any other number. Default 1. */
  channels?: number;
  /** Channels of the largest hidden map, doubled at each smaller one. Default 64. */
  base?: number;
  /** Size of the latent vector. Default 100. */
  latent?: number;
  /** Final activation: `tanh` to [-1, 1], or `sigmoid` to [0, 1]. Default `tanh`. */
  output?: 'tanh' | 'sigmoid';
  /** Prefix of the layers' names. Default `g`. */
  name?: string;
}

/** Sizes of a DCGAN's discriminator. */
export interface DcganDiscriminatorConfig {
  /** As the generator's. */
  size?: PictureSize;
  channels?: number;
  /** Channels of the first map, doubled at each smaller one. Default 64. */
  base?: number;
  /** Halve by pooling after convolutions of kernel 3 and stride 1, instead of by stride. */
  pool?: 'avg' | 'max';
  /** `none` for gradient penalties, which need examples that do not interact. Default `batch`. */
  norm?: 'batch' | 'none';
  /** Prefix of the layers' names. Default `d`. */
  name?: string;
}

/** Keras's momentum is the weight of the past in a moving statistic; epsilon as in PyTorch. */
const NORM = { momentum: 0.9, epsilon: 1e-5 } as const;
const LEAK = 0.2;
/** `initialise` replaces the weights; zeros are the cheapest to make. */
const kernelInitializer = 'zeros' as const;

const norm = (name: string): tf.layers.Layer => tf.layers.batchNormalization({ ...NORM, name });

/**
 * z [n, latent] → picture [n, height, width, channels]: dense, reshape, (transposed convolution)+ with batch norm and
 * ReLU between, `output`.
 */
export function dcganGenerator(config: DcganGeneratorConfig = {}): tf.LayersModel {
  const {
    size = 28,
    channels = 1,
    base = 64,
    latent = 100,
    output = 'tanh',
    name = 'g',
  } = optionsOf('dcgan', config, 'base channels latent name output size');
  const maps = mapSizes(size).reverse();
  const width = (map: number): number => base << (maps.length - 1 - map);
  const [height, wide] = maps[0] ?? heightWidth(size);
  const up = (
    filters: number,
    rest: { name: string; useBias?: boolean; activation?: 'tanh' | 'sigmoid' },
  ): tf.layers.Layer =>
    tf.layers.conv2dTranspose({ filters, kernelSize: 4, strides: 2, padding: 'same', kernelInitializer, ...rest });
  const layers: tf.layers.Layer[] = [
    tf.layers.dense({
      inputShape: [latent],
      units: height * wide * width(0),
      useBias: false,
      kernelInitializer,
      name: `${name}/dense`,
    }),
    tf.layers.reshape({ targetShape: [height, wide, width(0)], name: `${name}/reshape` }),
    norm(`${name}/dense_norm`),
    tf.layers.reLU({ name: `${name}/dense_relu` }),
  ];
  for (let i = 0; i < maps.length - 1; i++) {
    layers.push(
      up(width(i + 1), { name: `${name}/up${i}`, useBias: false }),
      norm(`${name}/up${i}_norm`),
      tf.layers.reLU({ name: `${name}/up${i}_relu` }),
    );
  }
  layers.push(up(channels, { name: `${name}/last`, activation: output }));
  return tf.sequential({ name, layers });
}

/**
 * Picture [n, height, width, channels] → logit [n, 1]: (convolution, norm except after the first, LeakyReLU 0.2)+,
 * dense.
 */
export function dcganDiscriminator(config: DcganDiscriminatorConfig = {}): tf.LayersModel {
  const {
    size = 28,
    channels = 1,
    base = 64,
    pool,
    norm: kind = 'batch',
    name = 'd',
  } = optionsOf('dcgan', config, 'base channels name norm pool size');
  const window = pool === undefined ? { kernelSize: 4, strides: 2 } : { kernelSize: 3, strides: 1 };
  const halve = { avg: tf.layers.averagePooling2d, max: tf.layers.maxPooling2d };
  const layers = mapSizes(size).flatMap((_, i): tf.layers.Layer[] => [
    tf.layers.conv2d({
      ...(i === 0 ? { inputShape: [...heightWidth(size), channels] } : {}),
      filters: base << i,
      ...window,
      padding: 'same',
      useBias: i === 0 || kind === 'none',
      kernelInitializer,
      name: `${name}/conv${i}`,
    }),
    ...(i === 0 || kind === 'none' ? [] : [norm(`${name}/conv${i}_norm`)]),
    tf.layers.leakyReLU({ alpha: LEAK, name: `${name}/conv${i}_leaky` }),
    ...(pool === undefined ? [] : [halve[pool]({ poolSize: 2, strides: 2, name: `${name}/conv${i}_pool` })]),
  ]);
  layers.push(
    tf.layers.flatten({ name: `${name}/flatten` }),
    tf.layers.dense({ units: 1, kernelInitializer, name: `${name}/dense` }),
  );
  return tf.sequential({ name, layers });
}
