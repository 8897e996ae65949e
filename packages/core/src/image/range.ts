// How a tensor stands for pictures: the order of its dimensions, and what black and white are.
import { UsageError } from '../errors.js';
import type { Tensor } from '../tensor.js';

/** Order of a picture tensor's dimensions. */
export type ImageLayout = 'nchw' | 'nhwc';

/** How a tensor stands for pictures. */
export interface ImageTensorOptions {
  layout: ImageLayout;
  /** What black and white are; default `[0, 255]` for uint8, else `[-1, 1]`. */
  range?: readonly [number, number];
}

/** What a type's black and white are where nobody says. */
export function defaultRange(dtype: Tensor['dtype']): readonly [number, number] {
  return dtype === 'uint8' ? [0, 255] : [-1, 1];
}

/** Throws UsageError `input.range` unless the range rises. */
export function checkRange(where: string, [low, high]: readonly [number, number]): void {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw new UsageError(`${where}.range: expected two finite numbers that rise, got [${low}, ${high}]`, {
      code: 'input.range',
    });
}
