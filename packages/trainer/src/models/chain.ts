// Helpers to build networks with more than one path from symbolic tensors.
import { shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { instanceNorm } from './layers/index.js';

/** `x` through layers, one after the other; undefined ones are left out. */
export function through(x: tf.SymbolicTensor, ...layers: readonly (tf.layers.Layer | undefined)[]): tf.SymbolicTensor {
  // a layer applied to one symbolic tensor gives one
  return layers.reduce((at, layer) => (layer === undefined ? at : (layer.apply(at) as tf.SymbolicTensor)), x);
}

/** A layer of several inputs. */
export function joined(layer: tf.layers.Layer, ...inputs: tf.SymbolicTensor[]): tf.SymbolicTensor {
  return layer.apply(inputs) as tf.SymbolicTensor; // applied to symbolic tensors, a layer returns one
}

/** Normalisation after convolutions. */
export type NormKind = 'batch' | 'instance' | 'none';

/** A normalisation layer called `name`. Epsilon as in PyTorch; momentum is Keras's: the weight of the past. */
export function normOf(kind: NormKind, name: string): tf.layers.Layer | undefined {
  const kinds: Readonly<Record<NormKind, () => tf.layers.Layer | undefined>> = {
    batch: () => tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5, name }),
    instance: () => instanceNorm({ name }),
    none: () => undefined,
  };
  return kinds[kind]();
}

/** Edge of square pictures, or height and width. */
export type PictureSize = number | readonly [height: number, width: number];

/**
 * Shape of a picture. @throws UsageError `config.invalid` for sizes that are not multiples of `multiple`.
 */
export function pictureShape(
  where: string,
  size: PictureSize,
  channels: number,
  multiple: number,
): [number, number, number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  for (const edge of [height, width])
    if (!(Number.isInteger(edge) && edge > 0 && edge % multiple === 0))
      throw new UsageError(`${where}.size: expected a multiple of ${multiple}, got ${shown(edge)}`, {
        code: 'config.invalid',
      });
  return [height, width, channels];
}

/** @throws UsageError `config.invalid` naming a field that is not a whole number or is too small. */
export function checkWhole(where: string, fields: Readonly<Record<string, number>>, least = 1): void {
  for (const [field, value] of Object.entries(fields))
    if (!(Number.isInteger(value) && value >= least))
      throw new UsageError(`${where}.${field}: expected a whole number ≥ ${least}, got ${shown(value)}`, {
        code: 'config.invalid',
      });
}
