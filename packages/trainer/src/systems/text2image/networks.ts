// Networks of a text-to-picture GAN: DCGAN's sizes, and a text encoded as the mean of its words and pairs of words. G
// concatenates it with the latent, and optionally also uses it in its batch norms; D multiplies it with the picture's
// features (a projection, Miyato and Koyama 2018, with a text instead of the class).
import * as tf from '@tensorflow/tfjs';
import { joined, normOf, through } from '../../models/chain.js';
import { wordBag } from '../../models/layers/index.js';
import { mapSizes, type MapSize } from '../../models/sizes.js';

/** Sizes of both networks. */
export interface TextConfig {
  size: MapSize;
  channels: number;
  /** Token ids in a text, padding included. */
  length: number;
  /** Number of token ids. */
  words: number;
  /** Length of a word's vector. */
  embedding: number;
  /** Also encode pairs of consecutive words. */
  wordOrder: boolean;
  /** Channels of the largest hidden map, doubled at each smaller one. */
  base: number;
}

/** `initialise` replaces the weights; zeros are the cheapest to make. */
const kernelInitializer = 'zeros' as const;

const tokens = (role: 'g' | 'd', length: number): tf.SymbolicTensor =>
  tf.input({ name: `${role}/text`, shape: [length], dtype: 'int32' });

/** z [n, latent] and token ids [n, length] → picture in [-1, 1]. */
export function textGenerator({
  size,
  channels,
  length,
  words,
  embedding,
  wordOrder,
  base,
  latent,
  captionIn,
}: TextConfig & { latent: number; captionIn: 'latent' | 'norms' }): tf.LayersModel {
  const maps = mapSizes(size).reverse();
  const width = (map: number): number => base << (maps.length - 1 - map);
  const [height, wide] = maps[0] ?? size;
  const [z, text] = [tf.input({ name: 'g/z', shape: [latent] }), tokens('g', length)];
  const encoded = through(
    text,
    wordBag({ words, size: embedding, pairs: wordOrder, name: 'g/text_words' }),
    tf.layers.dense({ units: embedding, kernelInitializer, name: 'g/text_dense' }),
    tf.layers.leakyReLU({ alpha: 0.2, name: 'g/text_leaky' }),
  );
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
  /** Batch norm; with `norms`, its scale 1 + s and offset are computed from the text. */
  const normed = (x: tf.SymbolicTensor, name: string, filters: number): tf.SymbolicTensor => {
    const plain = through(x, normOf('batch', `${name}_norm`));
    const row = (part: string): tf.SymbolicTensor =>
      through(
        encoded,
        tf.layers.dense({ units: filters, kernelInitializer, name: `${name}_${part}` }),
        tf.layers.reshape({ targetShape: [1, 1, filters], name: `${name}_${part}_row` }),
      );
    const asked = (): tf.SymbolicTensor =>
      joined(
        tf.layers.add({ name: `${name}_asked` }),
        plain,
        joined(tf.layers.multiply({ name: `${name}_scaled` }), plain, row('scale')),
        row('offset'),
      );
    return through(captionIn === 'norms' ? asked() : plain, tf.layers.reLU({ name: `${name}_relu` }));
  };
  const units = height * wide * width(0);
  let x = through(
    joined(tf.layers.concatenate({ name: 'g/z_text' }), z, encoded),
    tf.layers.dense({ units, useBias: false, kernelInitializer, name: 'g/dense' }),
    tf.layers.reshape({ targetShape: [height, wide, width(0)], name: 'g/reshape' }),
  );
  x = normed(x, 'g/dense', width(0));
  for (let i = 0; i < maps.length - 1; i++)
    x = normed(through(x, up(width(i + 1), `g/up${i}`, { useBias: false })), `g/up${i}`, width(i + 1));
  const picture = through(x, up(channels, 'g/last', { activation: 'tanh' }));
  return tf.model({ inputs: [z, text], outputs: picture, name: 'g' });
}

/** Picture and token ids [n, length] → logit [n, 1]: how real the picture is, and how well the text fits it. */
export function textDiscriminator({
  size,
  channels,
  length,
  words,
  embedding,
  wordOrder,
  base,
  norm,
}: TextConfig & { norm: 'batch' | 'none' }): tf.LayersModel {
  const [picture, text] = [tf.input({ name: 'd/picture', shape: [...size, channels] }), tokens('d', length)];
  const maps = mapSizes(size);
  const features = through(
    picture,
    ...maps.flatMap((_, i) => [
      tf.layers.conv2d({
        filters: base << i,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        kernelInitializer,
        name: `d/conv${i}`,
      }),
      i === 0 ? undefined : normOf(norm, `d/conv${i}_norm`),
      tf.layers.leakyReLU({ alpha: 0.2, name: `d/conv${i}_leaky` }),
    ]),
    tf.layers.flatten({ name: 'd/flatten' }),
  );
  const [height, wide] = maps.at(-1) ?? size;
  const wanted = through(
    text,
    wordBag({ words, size: embedding, pairs: wordOrder, name: 'd/text_words' }),
    tf.layers.dense({
      units: height * wide * (base << (maps.length - 1)),
      kernelInitializer,
      name: 'd/text_dense',
    }),
  );
  const logits = joined(
    tf.layers.add({ name: 'd/logit' }),
    through(features, tf.layers.dense({ units: 1, kernelInitializer, name: 'd/dense' })),
    joined(tf.layers.dot({ axes: 1, name: 'd/fits' }), features, wanted),
  );
  return tf.model({ inputs: [picture, text], outputs: logits, name: 'd' });
}
