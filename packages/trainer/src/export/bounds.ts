// Bounds of dynamic dims as the caller states them, and sizes chosen within them.
import { UsageError } from '@forja/core';
import type { Sizes } from './traced.js';

/** Smallest and largest size of each dim, by name. */
export type Bounds = Record<string, [number, number]>;

/** The largest size that is tried for a dim whose size the function reads, if the caller states no bounds. */
export const GREATEST = 2048;

/** The bounds of a dim in units of its step: the least and the greatest number of steps. */
export function stepsWithin([low, high]: readonly [number, number], step: number): [number, number] {
  return [Math.max(1, Math.ceil(low / step)), Math.floor(high / step)];
}

/**
 * Moves sizes outside the bounds into them, mapping different sizes to different ones where possible. `steps`: sizes
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

/** @throws UsageError for bounds of an unknown dim, or bounds that allow only one size. */
export function checkBounds(bounds: Bounds, dims: readonly string[]): void {
  for (const [dim, [low, high]] of Object.entries(bounds)) {
    if (!dims.includes(dim))
      throw new UsageError(
        `exportOnnx.bounds: expected names of dynamic dims (${dims.join(', ') || 'there is none'}), got '${dim}'`,
      );
    if (!(low < high))
      throw new UsageError(
        `exportOnnx.bounds.${dim}: expected [least, greatest], got [${low}, ${high}]; for a fixed size, write the ` +
          'number in the shape instead of a name',
      );
  }
}
