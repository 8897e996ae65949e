// A PNG file as a picture, for commands that take pictures of one's own.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ForjaError, UsageError, type ImageLike } from '@forja/core';
import { reasonOf } from './errors.js';

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
  try {
    const { width, height, data } = PNG.sync.read(bytes);
    return { width, height, data };
  } catch (cause) {
    throw new UsageError(`${command}: expected a PNG, got ${name}: ${reasonOf(cause)}`, { cause });
  }
}
