// Networks of a class-conditional GAN: conditional batch norm in G, a projection in D (Miyato and Koyama 2018), or a
// second output for classes (Odena et al. 2017). Sizes are DCGAN's; the hidden layers are InfoGAN's (Chen et al. 2016,
// appendix C.1): they coordinate the whole picture, of which each convolution sees only a part.
import * as tf from '@tensorflow/tfjs';
import { joined, through } from '../../models/chain.js';
import { conditionalNorm, projection } from '../../models/layers/index.js';
import { mapSizes, type MapSize } from '../../models/sizes.js';

/** Sizes of both networks. */
export interface ConditionalConfig {
  size: MapSize;
  channels: number;
  classes: number;
  /** Channels of the largest hidden map, doubled at each smaller one. */
  base: number;
  /** Units of the hidden layer next to the smallest map; 0: none. */
  hidden: number;
}

/** `initialise` replaces the weights; zeros are the cheapest to make. */
const kernelInitializer = 'zeros' as const;
const input = (name: string, shape: number[], dtype: 'float32' | 'int32' = 'float32'): tf.SymbolicTensor =>
  tf.input({ name, shape, dtype });

/** z [n, latent] and labels [n] → picture in [-1, 1]. */
export function conditionalGenerator({
  size,
  channels,
  classes,
  base,
  hidden,
  latent,
}: ConditionalConfig & { latent: number }): tf.LayersModel {
  const maps = mapSizes(size).reverse();
  const width = (map: number): number => base << (maps.length - 1 - map);
  const [height, wide] = maps[0] ?? size;
  const [z, label] = [input('g/z', [latent]), input('g/label', [], 'int32')];
  const up = (filters: number, name: string, rest: { useBias?: boolean; activation?: 'tanh' }): tf.layers.Layer =>
    tf.layers.conv2dTranspose({
      filters,
      kernelSize: 4,
      strides: 2,
      padding: 'same',
      kernelInitializer,
      name,
      ...rest,
    });
  const normed = (x: tf.SymbolicTensor, name: string): tf.SymbolicTensor =>
    through(
      joined(conditionalNorm({ name: `${name}_norm`, classes }), x, label),
      tf.layers.reLU({ name: `${name}_relu` }),
    );
  const dense = (x: tf.SymbolicTensor, units: number, name: string): tf.SymbolicTensor =>
    through(x, tf.layers.dense({ units, useBias: false, kernelInitializer, name }));
  const start = hidden === 0 ? z : normed(dense(z, hidden, 'g/hidden'), 'g/hidden');
  let x = through(
    dense(start, height * wide * width(0), 'g/dense'),
    tf.layers.reshape({ targetShape: [height, wide, width(0)], name: 'g/reshape' }),
  );
  x = normed(x, 'g/dense');
  for (let i = 0; i < maps.length - 1; i++)
    x = normed(through(x, up(width(i + 1), `g/up${i}`, { useBias: false })), `g/up${i}`);
  const picture = through(x, up(channels, 'g/last', { activation: 'tanh' }));
  return tf.model({ inputs: [z, label], outputs: picture, name: 'g' });
}

/**
 * Picture and labels [n] → logit [n, 1]; with `auxiliary`, picture → [logit, logits of classes [n, classes]]. `norm`
 * follows each convolution but the first, as in DCGAN.
 */
export function conditionalDiscriminator({
  size,
  channels,
  classes,
  base,
  hidden,
  auxiliary,
  norm,
}: ConditionalConfig & { auxiliary: boolean; norm: 'batch' | 'none' }): tf.LayersModel {
  const [picture, label] = [input('d/picture', [...size, channels]), input('d/label', [], 'int32')];
  const features = through(
    picture,
    ...mapSizes(size).flatMap((_, i) => [
      tf.layers.conv2d({
        filters: base << i,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        kernelInitializer,
        name: `d/conv${i}`,
      }),
      ...(norm === 'batch' && i > 0
        ? [tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5, name: `d/conv${i}_norm` })]
        : []),
      tf.layers.leakyReLU({ alpha: 0.2, name: `d/conv${i}_leaky` }),
    ]),
    tf.layers.flatten({ name: 'd/flatten' }),
    ...(hidden === 0
      ? []
      : [
          tf.layers.dense({ units: hidden, kernelInitializer, name: 'd/hidden' }),
          tf.layers.leakyReLU({ alpha: 0.2, name: 'd/hidden_leaky' }),
        ]),
  );
  const dense = (units: number, name: string): tf.SymbolicTensor =>
    through(features, tf.layers.dense({ units, kernelInitializer, name }));
  return auxiliary
    ? tf.model({ inputs: [picture], outputs: [dense(1, 'd/dense'), dense(classes, 'd/classes')], name: 'd' })
    : tf.model({
        inputs: [picture, label],
        outputs: joined(projection({ name: 'd/projection', classes }), features, label),
        name: 'd',
      });
}
