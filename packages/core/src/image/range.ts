// How a tensor encodes pictures: the order of its dimensions, and the values of black and white.
import { UsageError } from '../errors.js';
import { shown } from '../shown.js';
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

/** Throws UsageError for another layout. */
export function checkLayout(where: string, layout: ImageLayout): void {
  if (layout !== 'nchw' && layout !== 'nhwc')
    throw new UsageError(`${where}.layout: expected 'nchw' or 'nhwc', got ${shown(layout)}`);
}

/** A type's default values of black and white. */
export function defaultRange(dtype: Tensor['dtype']): readonly [number, number] {
  return dtype === 'uint8' ? [0, 255] : [-1, 1];
}

/** Throws UsageError `input.range` unless low < high. */
export function checkRange(where: string, range: readonly [number, number]): void {
  const [low, high] = Array.isArray(range) ? (range as readonly number[]) : [];
  if (!(Number.isFinite(low) && Number.isFinite(high) && low! < high!))
    throw new UsageError(`${where}.range: expected two ascending finite numbers, got [${shown(low)}, ${shown(high)}]`, {
      code: 'input.range',
    });
}
