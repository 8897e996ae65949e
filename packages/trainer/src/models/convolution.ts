// Convolutions as the networks here use them: weights are drawn by `initialise`, so tfjs's own drawing is spared.
import * as tf from '@tensorflow/tfjs';
import { spectralConv, spectralDense } from './layers/index.js';

/** Initializers are drawn in JavaScript and thrown away by `initialise`; zeros cost nothing. */
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
  /** Default true. Of no use where a norm follows. */
  useBias?: boolean;
  /** With spectral normalisation. Default false. */
  spectral?: boolean;
}

/** A convolution, spectrally normalised where asked for. */
export function conv({ spectral = false, padding = 'same', ...config }: ConvConfig): tf.layers.Layer {
  return spectral ? spectralConv({ padding, ...config }) : tf.layers.conv2d({ kernelInitializer, padding, ...config });
}

/** A dense layer, spectrally normalised where asked for. */
export function dense(
  units: number,
  name: string,
  { spectral = false, useBias = true }: { spectral?: boolean; useBias?: boolean } = {},
): tf.layers.Layer {
  return spectral
    ? spectralDense({ units, useBias, name })
    : tf.layers.dense({ units, useBias, kernelInitializer, name });
}

/** How a picture is doubled: by a transposed convolution, or by repeating pixels before one, which leaves no grid. */
export type UpKind = 'transposed' | 'resize';

/** Doubles a picture: layers, of which the one with weights is called `name`. `kernelSize` is the transposed one's. */
export function up(
  kind: UpKind,
  config: { filters: number; kernelSize: number; name: string; useBias?: boolean },
): tf.layers.Layer[] {
  const { name, ...rest } = config;
  return kind === 'transposed'
    ? [tf.layers.conv2dTranspose({ ...rest, strides: 2, padding: 'same', kernelInitializer, name })]
    : [double(`${name}_resize`), conv({ ...rest, kernelSize: 3, name })];
}

/** Every pixel four times (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"). */
export const double = (name: string): tf.layers.Layer => repeat(2, name);

/** Every pixel as a block of `by` × `by`. */
export const repeat = (by: number, name: string): tf.layers.Layer =>
  tf.layers.upSampling2d({ size: [by, by], interpolation: 'nearest', name });
