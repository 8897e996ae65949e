// Decodes PNG files from elsewhere with pngjs. Each file is checked first, because pngjs uses the last of several
// headers, its asynchronous reader ends the process if pixels are missing, and its synchronous reader ignores that they
// are missing.
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { oriented, pngOrientation, type ImageLike } from '@forja/core';

/** How every PNG begins. */
const SIGNATURE = '\x89PNG\r\n\x1a\n';

/** Samples per pixel, by colour type (PNG 1.2, section 4.1.1). */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/**
 * For each pass of an interlaced picture, its first column and row, and the distance between its columns and between
 * its rows (PNG 1.2, section 2.6).
 */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Maximum number of extra bytes after the pixels, which are ignored: some programs write a few. */
const SURPLUS = 2 ** 16;

/** Whether a file begins with the signature of a PNG, and is long enough for the header. */
export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= 33 && bufferOf(bytes).toString('latin1', 0, 8) === SIGNATURE;
}

/** The picture's size according to the header of the PNG. */
export function pngSize(png: Uint8Array): { width: number; height: number } {
  const bytes = bufferOf(png);
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/**
 * The pixels as RGBA, upright by the Exif orientation in the file. Throws an Error if the file is incomplete. Memory is
 * bounded by the size in its header.
 */
export async function decodePng(png: Uint8Array): Promise<ImageLike> {
  const bytes = bufferOf(png);
  const { parts, end } = chunksOf(bytes);
  const size = pixelBytes(bytes);
  const pixels = await promisify(inflate)(Buffer.concat(parts), { maxOutputLength: size + SURPLUS });
  if (pixels.length < size || size === 0) throw new Error(`${size} bytes of pixels expected, got ${pixels.length}`);
  const { PNG } = await import('pngjs');
  const { width, height, data } = PNG.sync.read(bytes.subarray(0, end));
  const rgba = new Uint8Array(data.buffer, data.byteOffset, data.length); // not a Buffer
  return oriented({ width, height, channels: 4, data: rgba }, pngOrientation(bytes));
}

/** The compressed pixels, and where the picture ends. */
function chunksOf(bytes: Buffer): { parts: Buffer[]; end: number } {
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const [from, kind] = [at + 8, bytes.toString('latin1', at + 4, at + 8)];
    const to = from + bytes.readUInt32BE(at);
    if ((kind === 'IHDR') !== (at === 8)) throw new Error('one header expected, at the beginning');
    if (to + 4 > bytes.length) break;
    if (kind === 'IDAT') parts.push(bytes.subarray(from, to));
    if (kind === 'IEND') return { parts, end: to + 4 };
    at = to + 4;
  }
  throw new Error('the file ends before its IEND chunk');
}

/** Number of bytes of the decompressed pixels that the header describes, including one filter byte for each row. */
function pixelBytes(bytes: Buffer): number {
  const { width, height } = pngSize(bytes);
  const bits = (CHANNELS[bytes[25] ?? 0] ?? NaN) * (bytes[24] ?? 0);
  const rows = (wide: number, high: number): number =>
    wide > 0 && high > 0 ? high * (1 + Math.ceil((wide * bits) / 8)) : 0;
  const size =
    bytes[28] === 0
      ? rows(width, height)
      : PASSES.reduce(
          (sum, [x, y, right, down]) => sum + rows(Math.ceil((width - x) / right), Math.ceil((height - y) / down)),
          0,
        );
  if (!Number.isSafeInteger(size))
    throw new Error('its header has a size, colour type or bit depth that cannot be read');
  return size;
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
