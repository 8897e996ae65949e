// PNG, encoded with fast-png. Imported on first use only, so that pages that never save a picture do not load it.
import { encode } from 'fast-png';
import type { Pixels } from './pixels.js';

/** The bytes of a PNG file. */
export function encodePNG({ width, height, channels, data }: Pixels): Uint8Array {
  return encode({ width, height, channels, data, depth: 8 }, { zlib: { level: 6 } });
}
