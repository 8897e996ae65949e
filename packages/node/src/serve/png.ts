// Encodes PNG for the service with pngjs, which uses zlib's asynchronous deflate. fast-png, which core uses, would
// block every other request for 0.4 s per megapixel.
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Image } from '@forja/core';
import type { PNG } from 'pngjs';

/** Colour type by number of channels (PNG 1.2, section 4.1.1). */
const COLOUR = { 1: 0, 3: 2, 4: 6 } as const;

/** The bytes of a PNG file: 8 bits, grey, RGB or RGBA, no metadata. */
export async function encodePng({
  width,
  height,
  channels,
  data,
}: Pick<Image, 'width' | 'height' | 'channels' | 'data'>): Promise<Uint8Array<ArrayBuffer>> {
  const { PNG: Png } = await import('pngjs');
  const png: PNG = new Png({
    width,
    height,
    colorType: COLOUR[channels],
    inputColorType: COLOUR[channels],
    inputHasAlpha: channels === 4,
    filterType: 0,
    deflateLevel: 6,
    deflateStrategy: 0,
  });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const out = new PassThrough(); // pngjs has an old-style stream, which `buffer` cannot read
  png.once('error', (error) => out.destroy(error));
  png.pack().pipe(out);
  return new Uint8Array(await buffer(out));
}
