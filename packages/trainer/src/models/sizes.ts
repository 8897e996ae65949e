// Sizes of feature maps in the convolutional networks.
import { shown, UsageError } from '@forja/core';
import type { PictureSize } from './chain.js';

/** Height and width of a map. */
export type MapSize = readonly [height: number, width: number];

/** Height and width of pictures given by their edge, or by both. */
export const heightWidth = (size: PictureSize): MapSize => (typeof size === 'number' ? [size, size] : size);

/**
 * Sizes of the discriminator's maps, from the first down to the last: halved while both edges are even and above 7. 28
 * → 14, 7; 32 → 16, 8, 4; 64 → 32, 16, 8, 4; 32 × 64 → 16 × 32, 8 × 16, 4 × 8.
 * @throws UsageError `config.invalid` for an edge that is not a multiple of 4 from 8 to 1024.
 */
export function mapSizes(size: PictureSize): MapSize[] {
  let [height, width] = heightWidth(size);
  for (const edge of [height, width])
    if (!(Number.isInteger(edge) && edge % 4 === 0 && edge >= 8 && edge <= 1024))
      throw new UsageError(`size: expected a multiple of 4 from 8 to 1024, got ${shown(edge)}`, {
        code: 'config.invalid',
      });
  const sizes: MapSize[] = [];
  while (Math.min(height, width) > 7 && height % 2 === 0 && width % 2 === 0) {
    [height, width] = [height / 2, width / 2];
    sizes.push([height, width]);
  }
  return sizes;
}

/** The number that names a map: its edge, or the shorter one. It is different for each map. */
export const edgeOf = ([height, width]: MapSize): number => Math.min(height, width);
