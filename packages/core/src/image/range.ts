// How a tensor encodes pictures: the order of its dimensions, and the values of black and white.
import { UsageError } from '../errors.js';
import type { Tensor } from '../tensor.js';

/** Order of a picture tensor's dimensions. */
export type ImageLayout = 'nchw' | 'nhwc';

/** How a tensor encodes pictures. */
export interface ImageTensorOptions {
  /** Order of the tensor's axes. */
  layout: ImageLayout;
  /** Values of black and white; default `[0, 255]` for uint8, else `[-1, 1]`. */
  range?: readonly [number, number];
}

/** A type's default values of black and white. */
export function defaultRange(dtype: Tensor['dtype']): readonly [number, number] {
  return dtype === 'uint8' ? [0, 255] : [-1, 1];
}

/** Throws UsageError `input.range` unless low < high. */
export function checkRange(where: string, [low, high]: readonly [number, number]): void {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw new UsageError(`${where}.range: expected two finite numbers that rise, got [${low}, ${high}]`, {
      code: 'input.range',
    });
}
