// The patch discriminator: a map of logits, each of which sees a patch of the picture. Isola et al. 2017, section
// 3.2.2.
import { optionsOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { checkWhole, normOf, pictureShape, through, type NormKind, type PictureSize } from './chain.js';
import { conv } from './convolution.js';

/** Sizes of a patch discriminator. */
export interface PatchConfig {
  /** Edge, or height and width: multiples of 2^depth. Default 64. */
  size?: PictureSize;
  /** Channels of the input; for pairs, of both pictures together. Default 3. */
  channels?: number;
  /** Channels of the first map, doubled at each next one, up to 8 × `base`. Default 32. */
  base?: number;
  /** How often the picture is halved: 3 gives patches of 70 pixels, 2 of 34, 1 of 16. Default 3. */
  depth?: number;
  /** Default `instance`. */
  norm?: NormKind;
  /** Spectral normalisation of all convolutions. Default false. */
  spectral?: boolean;
  /** Prefix of the layers' names. Default `d`. */
  name?: string;
}

/**
 * Picture [n, h, w, channels] → logits [n, h / 2^depth, w / 2^depth, 1]. Layers are `<name>/conv<i>`, `<name>/last`.
 */
export function patchDiscriminator(config: PatchConfig = {}): tf.LayersModel {
  const {
    size = 64,
    channels = 3,
    base = 32,
    depth = 3,
    norm = 'instance',
    spectral = false,
    name = 'd',
  } = optionsOf('patch', config, 'base channels depth name norm size spectral');
  checkWhole('patch', { channels, base, depth });
  const picture = tf.input({ shape: pictureShape('patch', size, channels, 2 ** depth), name: `${name}/input` });
  const blocks = Array.from({ length: depth + 1 }, (_, i) => {
    const kind = i === 0 ? 'none' : norm;
    return [
      conv({
        filters: base * Math.min(2 ** i, 8),
        kernelSize: 4,
        strides: i < depth ? 2 : 1,
        useBias: kind === 'none',
        spectral,
        name: `${name}/conv${i}`,
      }),
      normOf(kind, `${name}/conv${i}_norm`),
      tf.layers.leakyReLU({ alpha: 0.2, name: `${name}/conv${i}_leaky` }),
    ];
  });
  const logits = through(
    picture,
    ...blocks.flat(),
    conv({ filters: 1, kernelSize: 4, spectral, name: `${name}/last` }),
  );
  return tf.model({ inputs: picture, outputs: logits, name });
}
