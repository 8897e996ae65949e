// Built-in systems without data or a run: for benchmarks, tests and users' own loops.
import type { FieldSpec } from '../data/dataset.js';
import type { PictureSize } from '../models/chain.js';
import { heightWidth } from '../models/sizes.js';
import { makeSystem, type SystemConfigs } from './registry.js';
import type { GanSystem } from './system.js';

/** What a run would otherwise set: batch and seed. */
interface RunOptions {
  /** Default 64. */
  batch?: number;
  /** Seed of the initial weights. Default 0. */
  seed?: number;
}

/** Options of {@link dcgan}. */
export type DcganConfig = SystemConfigs['dcgan'] &
  RunOptions & {
    /** Edge of square pictures, or [height, width]: multiples of 4. Default 28. */
    size?: PictureSize;
    /** Default 1. */
    channels?: number;
  };

/** Options of {@link mlpGan}. */
export type MlpGanConfig = SystemConfigs['mlp'] &
  RunOptions & {
    /** Size of one example. Default 2. */
    size?: number;
  };

/**
 * A DCGAN for pictures [batch, height, width, channels] in [-1, 1].
 * @throws UsageError `config.invalid` for options that do not fit together.
 */
export function dcgan({ size = 28, channels = 1, batch = 64, seed = 0, ...options }: DcganConfig = {}): GanSystem {
  const image: FieldSpec = { shape: [...heightWidth(size), channels], dtype: 'float32', range: [-1, 1] };
  return makeSystem('dcgan', options, { batch, seed, data: { name: 'no data', count: batch, fields: { image } } });
}

/**
 * A GAN of two MLPs on vectors [batch, size].
 * @throws UsageError `config.invalid` for options that do not fit together.
 */
export function mlpGan({ size = 2, batch = 64, seed = 0, ...options }: MlpGanConfig = {}): GanSystem {
  const vector: FieldSpec = { shape: [size], dtype: 'float32' };
  return makeSystem('mlp', options, { batch, seed, data: { name: 'no data', count: batch, fields: { vector } } });
}
