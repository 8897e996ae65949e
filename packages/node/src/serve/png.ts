// PNG for the service: as core's encoder writes it, but with zlib's asynchronous deflate. fast-png's would hold up every other request: 0.4 s a megapixel.
import { crc32, deflate } from 'node:zlib';
import { promisify } from 'node:util';
import type { Image } from '@forja/core';

const deflated = promisify(deflate);

/** PNG 1.2, 11.2.2: colour type by channels. */
const COLOUR = { 1: 0, 3: 2, 4: 6 } as const;

/** The bytes of a PNG file: 8 bits, grey, RGB or RGBA, no metadata. */
export async function encodePng({ width, height, channels, data }: Pick<Image, 'width' | 'height' | 'channels' | 'data'>): Promise<Uint8Array<ArrayBuffer>> {
  const row = width * channels;
  const lines = new Uint8Array(height * (row + 1)); // each line after its filter: 0, none
  for (let y = 0; y < height; y++) lines.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = COLOUR[channels];
  return new Uint8Array(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', await deflated(lines, { level: 6 })), chunk('IEND', Buffer.alloc(0))]));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
