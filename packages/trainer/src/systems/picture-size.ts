// The size of the pictures that DCGAN's and the residual networks are made for.
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../data/dataset.js';
import type { MapSize } from '../models/sizes.js';

/**
 * Height, width and channels of pictures.
 * @throws UsageError `config.invalid` for an edge that cannot be halved twice, naming the system.
 */
export function pictureSizeOf(
  system: string,
  field: FieldSpec | undefined,
  from: string,
): { size: MapSize; channels: number } {
  const [height = 0, width = 0, channels = 0] = field?.shape ?? [];
  if (height % 4 !== 0 || width % 4 !== 0)
    throw new UsageError(
      `config.data: expected pictures whose height and width are multiples of 4 for the system '${system}', got ` +
        `${height} × ${width} from ${from}; a folder's are resized to config.size, ` +
        "or to the data's size [height, width]",
      { code: 'config.invalid' },
    );
  return { size: [height, width], channels };
}
