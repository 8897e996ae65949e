// Sizes that dynamic dims may have: what the caller states, and sizes chosen within that.
import { UsageError } from '@forja/core';
import type { Sizes } from './traced.js';

/** The least and the greatest size of dims, by name. */
export type Bounds = Record<string, [number, number]>;

/** The greatest size that is tried of a dim that the function reads, where the caller states none. */
export const GREATEST = 2048;

/** Bounds in steps of a dim, which are whole numbers. */
export function stepsWithin([low, high]: readonly [number, number], step: number): [number, number] {
  return [Math.max(1, Math.ceil(low / step)), Math.floor(high / step)];
}

/**
 * The sizes where they lie within the bounds; others moved into them, differently for different sizes. `steps`: sizes
 * are multiples of these, and stay so.
 */
export function fitted(sizes: Sizes, bounds: Bounds, steps: Sizes): Sizes {
  return Object.fromEntries(
    Object.entries(sizes).map(([dim, size]) => {
      const own = Object.hasOwn(bounds, dim) ? bounds[dim] : undefined;
      if (own === undefined) return [dim, size];
      const step = steps[dim] ?? 1;
      const [low, high] = stepsWithin(own, step);
      const [count, at] = [high - low + 1, size / step - low];
      return [dim, step * (low + (((at % count) + count) % count))];
    }),
  );
}

/** @throws UsageError for bounds of no dim, or that leave no choice. */
export function checkBounds(bounds: Bounds, dims: readonly string[]): void {
  for (const [dim, [low, high]] of Object.entries(bounds)) {
    if (!dims.includes(dim))
      throw new UsageError(
        `exportOnnx.bounds: expected names of dynamic dims (${dims.join(', ') || 'there is none'}), got '${dim}'`,
      );
    if (!(low < high))
      throw new UsageError(
        `exportOnnx.bounds.${dim}: expected [least, greatest], got [${low}, ${high}]; a dim of one size is a number in the shape`,
      );
  }
}
