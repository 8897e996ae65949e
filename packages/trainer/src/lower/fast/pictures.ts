// Helpers shared by pools and resizes: reading a picture in a stored order that begins with height and width, and
// checking that its sizes are fixed.
import type { Axis, Value } from '@forja/core/onnx';
import type { SharedAttrs } from '../../kernels/attributes.js';
import { isStatic, type Size } from '../../program/program.js';
import type { LowerContext, Logical, Perm } from '../contract.js';
import { pair } from '../kernels/spatial.js';
import { HWNC } from './contract.js';
import { describe } from './describe.js';

/**
 * Largest height or width for which a pool or resize is computed as a product with a constant matrix. Such matrices are
 * mostly zeros, so larger ones do not pay off.
 */
const LARGEST = 64;

/** A picture in an order that begins with height and width. */
export interface StoredPicture {
  value: Value;
  perm: Perm;
  height: number;
  width: number;
  /** Batch times channels. */
  rest: number;
}

/** The picture in its stored order if that begins with height and width, else in HWNC. */
export function stored(picture: Logical, ctx: LowerContext): StoredPicture {
  const own = ctx.layoutOf(picture);
  const perm = own !== undefined && own[0] === 1 && own[1] === 2 ? own : HWNC;
  const [batch = 1, height = 1, width = 1, channels = 1] = picture.shape.map(Number); // static: the caller checks
  return { value: ctx.get(picture, perm), perm, height, width, rest: batch * channels };
}

/** Sizes of a picture, if all are fixed and small enough for constant matrices. */
export function fixedPicture(shape: readonly Size[]): number[] | undefined {
  const sizes = shape.filter(isStatic);
  return sizes.length === 4 && shape.length === 4 && Math.max(sizes[1] ?? 0, sizes[2] ?? 0) <= LARGEST
    ? sizes
    : undefined;
}

/** The windows of a pool; undefined if a size is dynamic or too large. */
export function poolAxes(
  attrs: SharedAttrs<'AvgPool' | 'MaxPool'>,
  large: readonly Size[],
  small: readonly Size[],
): readonly [Axis, Axis] | undefined {
  const [height, width] = pair(attrs['filterSize']);
  const windows = describe(attrs, { large, small, filter: [height, width, 1, 1] });
  return windows === undefined || fixedPicture(large) === undefined ? undefined : [windows.height, windows.width];
}
