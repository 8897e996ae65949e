// A PNG file as a picture, for commands that take pictures of one's own.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ForjaError, UsageError, type ImageLike } from '@forja/core';
import { reasonOf } from './errors.js';

/** How every PNG begins. */
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Grey PNGs come as RGBA, which models of grey pictures take too. `command` is named in errors. */
export async function readPng(command: string, name: string, cwd: string): Promise<ImageLike> {
  const { PNG } = await import('pngjs');
  const path = resolve(cwd, name);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ForjaError('data.notFound', `${command}: cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  const is = (...start: number[]): boolean => start.every((byte, i) => bytes[i] === byte);
  if (!is(...SIGNATURE)) {
    const got = bytes.length === 0 ? 'an empty file' : is(0xff, 0xd8) ? 'a JPEG' : 'another file';
    throw new UsageError(`${command}: expected a PNG at ${path}, got ${got}`);
  }
  try {
    const { width, height, data } = PNG.sync.read(bytes);
    return { width, height, data };
  } catch (cause) {
    throw new UsageError(`${command}: expected a whole PNG at ${path}, got a damaged one (${reasonOf(cause)})`, {
      cause,
    });
  }
}
