// Sizes of feature maps in the convolutional networks.
import { shown, UsageError } from '@forja/core';

/**
 * Sizes of the discriminator's maps, from the first down to the last: halved while even and above 7. 28 → 14, 7; 32 →
 * 16, 8, 4; 64 → 32, 16, 8, 4.
 * @throws UsageError `config.invalid` for a size that is not a multiple of 4 from 8 to 1024.
 */
export function mapSizes(size: number): number[] {
  if (!(Number.isInteger(size) && size % 4 === 0 && size >= 8 && size <= 1024)) {
    throw new UsageError(`size: expected a multiple of 4 from 8 to 1024, got ${shown(size)}`, {
      code: 'config.invalid',
    });
  }
  const sizes: number[] = [];
  for (let map = size; map > 7 && map % 2 === 0; sizes.push(map)) map /= 2;
  return sizes;
}
