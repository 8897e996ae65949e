// Decoding in Node: all formats with sharp if it is installed, else only PNG.
import { ForjaError } from '@forja/core';
import type { Picture } from '../data/picture.js';
import { decodePng, isPng } from '../data/png.js';
import type { PictureFacts } from '../data/pictures.js';

type Sharp = (typeof import('sharp'))['default'];

/** sharp, or undefined if not installed. Throws ForjaError `data.decoder` if it is installed but does not load. */
export async function loadSharp(): Promise<Sharp | undefined> {
  try {
    const { default: sharp } = await import('sharp');
    sharp.cache(false); // each file is read once
    sharp.concurrency(1); // files are decoded in parallel instead
    return sharp;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw new ForjaError(
      'data.decoder',
      `data: expected the npm package sharp to load, got ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** Size and colours of a picture, from its header if possible. */
export async function factsOf(bytes: Uint8Array, sharp: Sharp | undefined): Promise<PictureFacts> {
  if (!sharp) {
    const { width, height, channels } = pngOnly(bytes);
    return { width, height, grey: channels < 3 };
  }
  const { autoOrient, space } = await sharp(bytes).metadata();
  return { ...autoOrient, grey: space === 'b-w' || space === 'grey16' };
}

/** Decodes a file: turned upright, in sRGB or grey. */
export async function decodePicture(bytes: Uint8Array, sharp: Sharp | undefined): Promise<Picture> {
  if (!sharp) return pngOnly(bytes);
  const file = sharp(bytes, { failOn: 'error', ...(isSvg(bytes) ? { density: DENSITY } : {}) }).autoOrient();
  const { space, depth, hasAlpha } = await file.metadata();
  const grey = !hasAlpha && (space === 'b-w' || space === 'grey16'); // sharp drops the alpha of grey pictures
  const deep = depth === 'ushort';
  const { data, info } = await file
    .toColourspace(deep ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const values = deep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  return { width, height, channels, data: values };
}

/** Resolution of SVG files in dpi: four times the nominal 72, so that shrinking gives smooth pictures. */
const DENSITY = 288;

const isSvg = (bytes: Uint8Array): boolean =>
  /^\s*<(svg|\?xml)/.test(Buffer.from(bytes.subarray(0, 64)).toString('latin1'));

/** The picture in a PNG file. Throws ForjaError `data.decoder` for a format that sharp would read. */
function pngOnly(bytes: Uint8Array): Picture {
  const text = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (!isPng(bytes) && /^(\xff\xd8\xff|RIFF....WEBP|....ftyp)/s.test(text)) throw sharpIsMissing();
  return decodePng(bytes);
}

function sharpIsMissing(): ForjaError {
  return new ForjaError(
    'data.decoder',
    'expected the npm package sharp, which reads JPEG, WebP and AVIF, got none; npm install sharp, or convert ' +
      'the pictures to PNG, which needs no package',
  );
}
