// The patch discriminator: a map of logits, each of which sees a patch of the picture. Isola et al. 2017, section
// 3.2.2.
import { optionsOf, UsageError } from '@forja/core';
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
  /**
   * `none`: every logit sees pixels of the picture alone, so that none can tell where in the picture its patch is; the
   * map is smaller, and the picture has to be at least as large as a patch. Default `zeros`.
   */
  padding?: 'zeros' | 'none';
  /** Prefix of the layers' names. Default `d`. */
  name?: string;
}

/** Edge of the patch that one logit sees: 16, 34, 70 pixels for a depth of 1, 2, 3. */
export const patchSize = (depth: number): number => 9 * 2 ** depth - 2;

/**
 * Picture [n, h, w, channels] → logits [n, h / 2^depth, w / 2^depth, 1], fewer without padding. Layers are
 * `<name>/conv<i>`, `<name>/last`.
 * @throws UsageError `config.invalid` for sizes that the depth does not divide, or smaller than an unpadded patch.
 */
export function patchDiscriminator(config: PatchConfig = {}): tf.LayersModel {
  const {
    size = 64,
    channels = 3,
    base = 32,
    depth = 3,
    norm = 'instance',
    spectral = false,
    padding = 'zeros',
    name = 'd',
  } = optionsOf('patch', config, 'base channels depth name norm padding size spectral');
  checkWhole('patch', { channels, base, depth });
  const shape = pictureShape('patch', size, channels, 2 ** depth);
  const seen = patchSize(depth);
  if (padding === 'none' && Math.min(shape[0], shape[1]) < seen)
    throw new UsageError(
      `patch.size: expected pictures of at least ${seen} pixels, which is the patch of a discriminator of depth ` +
        `${depth}, as it does not pad, got ${shape[0]} × ${shape[1]}; lower depth, or pad with zeros`,
      { code: 'config.invalid' },
    );
  const around = padding === 'none' ? 'valid' : 'same';
  const picture = tf.input({ shape, name: `${name}/input` });
  const blocks = Array.from({ length: depth + 1 }, (_, i) => {
    const kind = i === 0 ? 'none' : norm;
    return [
      conv({
        filters: base * Math.min(2 ** i, 8),
        kernelSize: 4,
        strides: i < depth ? 2 : 1,
        padding: around,
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
    conv({ filters: 1, kernelSize: 4, padding: around, spectral, name: `${name}/last` }),
  );
  return tf.model({ inputs: picture, outputs: logits, name });
}
