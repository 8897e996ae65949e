// Convolutions and dense layers of the networks in this folder. Weights are created as zeros; `initialise` replaces
// them later.
import * as tf from '@tensorflow/tfjs';
import { spectralConv, spectralDense } from './layers/index.js';

/** `initialise` replaces the weights; zeros are the cheapest to make. */
const kernelInitializer = 'zeros' as const;

/** Options of {@link conv}. */
export interface ConvConfig {
  filters: number;
  kernelSize: number;
  name: string;
  /** Default 1. */
  strides?: number;
  /** Default `same`. */
  padding?: 'same' | 'valid';
  /** Default true. Has no effect before a norm. */
  useBias?: boolean;
  /** With spectral normalisation. Default false. */
  spectral?: boolean;
}

/** A convolution, spectrally normalised with `spectral`. */
export function conv({ spectral = false, padding = 'same', ...config }: ConvConfig): tf.layers.Layer {
  return spectral ? spectralConv({ padding, ...config }) : tf.layers.conv2d({ kernelInitializer, padding, ...config });
}

/** A dense layer, spectrally normalised with `spectral`. */
export function dense(
  units: number,
  name: string,
  { spectral = false, useBias = true }: { spectral?: boolean; useBias?: boolean } = {},
): tf.layers.Layer {
  return spectral
    ? spectralDense({ units, useBias, name })
    : tf.layers.dense({ units, useBias, kernelInitializer, name });
}

/**
 * How a picture's edge is doubled: by a transposed convolution, or by repeating pixels before a convolution. The latter
 * leaves no grid in the picture.
 */
export type UpKind = 'transposed' | 'resize';

/** Layers that double a picture; the one with weights is called `name`. `kernelSize` is for `transposed`. */
export function up(
  kind: UpKind,
  config: { filters: number; kernelSize: number; name: string; useBias?: boolean },
): tf.layers.Layer[] {
  const { name, ...rest } = config;
  return kind === 'transposed'
    ? [tf.layers.conv2dTranspose({ ...rest, strides: 2, padding: 'same', kernelInitializer, name })]
    : [double(`${name}_resize`), conv({ ...rest, kernelSize: 3, name })];
}

/** Nearest-neighbour upsampling by 2 (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"). */
export const double = (name: string): tf.layers.Layer => repeat(2, name);

/** Every pixel as a block of `by` × `by`. */
export const repeat = (by: number, name: string): tf.layers.Layer =>
  tf.layers.upSampling2d({ size: [by, by], interpolation: 'nearest', name });
