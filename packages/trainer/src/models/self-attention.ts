// A self-attention block: 1 × 1 convolutions for queries, keys and values, then layers/attention.ts. Zhang et al. 2019.
import type * as tf from '@tensorflow/tfjs';
import { joined, through } from './chain.js';
import { conv } from './convolution.js';
import { attend } from './layers/index.js';

/** Options of {@link selfAttention}. */
export interface SelfAttentionConfig {
  name: string;
  /** Spectral normalisation of the convolutions. Default false. */
  spectral?: boolean;
}

/** [n, h, w, c] → the same shape; keys have c / 8 channels. Layers are `<name>/query`, `/key`, `/value`, `<name>`. */
export function selfAttention(
  x: tf.SymbolicTensor,
  { name, spectral = false }: SelfAttentionConfig,
): tf.SymbolicTensor {
  const channels = x.shape.at(-1) ?? 1;
  const one = (filters: number, of: string): tf.SymbolicTensor =>
    through(x, conv({ filters, kernelSize: 1, useBias: false, spectral, name: `${name}/${of}` }));
  const keys = Math.max(1, Math.floor(channels / 8));
  return joined(attend({ name }), x, one(keys, 'query'), one(keys, 'key'), one(channels, 'value'));
}
