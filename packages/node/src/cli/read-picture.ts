// Decodes a picture file, for commands that take the user's pictures: PNG with pngjs; JPEG, WebP and AVIF with sharp if
// it is installed.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ForjaError, UsageError, type ImageLike } from '@forja/core';
import { decodePng, isPng } from '../files/decode-png.js';
import { reasonOf } from '../files/reason.js';

type Sharp = (typeof import('sharp'))['default'];

/** The first bytes of files in other formats, as Latin-1 text. */
const OTHERS: readonly (readonly [what: string, begins: RegExp])[] = [
  ['a JPEG', /^\xff\xd8\xff/],
  ['a WebP', /^RIFF....WEBP/s],
  ['an AVIF', /^....ftypavi[fs]/s],
];

/**
 * Reads a picture. Grey pictures are returned as RGBA or RGB, which models of grey pictures accept too. `command` is
 * named in errors.
 * @throws ForjaError `data.notFound` for a file that cannot be read, `data.decoder` for a format without its decoder;
 *   UsageError for a file that is no picture, or damaged.
 */
export async function readPicture(command: string, name: string, cwd: string): Promise<ImageLike> {
  const path = resolve(cwd, name);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ForjaError('data.notFound', `${command}: cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  const start = bytes.subarray(0, 16).toString('latin1');
  const png = isPng(bytes);
  const other = OTHERS.find(([, begins]) => begins.test(start))?.[0];
  if (!png && other === undefined) {
    const got = bytes.length === 0 ? 'an empty file' : 'another file';
    throw new UsageError(`${command}: expected a picture (PNG, JPEG, WebP or AVIF) at ${path}, got ${got}`);
  }
  const sharp = png ? undefined : await loadSharp(command, path, other);
  try {
    return await (sharp ? bySharp(sharp, bytes) : decodePng(bytes));
  } catch (cause) {
    throw new UsageError(`${command}: expected a whole picture at ${path}, got a damaged one (${reasonOf(cause)})`, {
      cause,
    });
  }
}

/** Decodes a picture with sharp: upright according to its Exif orientation, in sRGB. */
async function bySharp(sharp: Sharp, bytes: Buffer): Promise<ImageLike> {
  const { data, info } = await sharp(bytes, { failOn: 'error' })
    .autoOrient()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

async function loadSharp(command: string, path: string, what: string | undefined): Promise<Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const got = missing ? 'none; npm install sharp, or convert the picture to PNG' : reasonOf(cause);
    throw new ForjaError(
      'data.decoder',
      `${command}: ${path} is ${what}, which the npm package sharp reads: expected it to load, got ${got}`,
      { cause },
    );
  }
}
