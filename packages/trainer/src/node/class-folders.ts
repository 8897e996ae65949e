// Pictures with classes as a folder: a subfolder per class, a PNG per picture, and one picture that shows some of each.
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Image, ImageBatch } from '@forja/core';
import { makeFolder } from '@forja/node/cli';
import type { Examples } from '../study/small-set.js';
import { writeFileSafely } from './files.js';

/**
 * Names of the classes' subfolders. These are the names of the classes if they are valid file names and already sorted;
 * otherwise the class's number is put before them, so that reading the folder gives the same class numbers.
 */
export function folderNames(classes: readonly string[]): string[] {
  const safe = classes.map((name) => name.replace(/[^\p{L}\p{N} _-]+/gu, '-'));
  const digits = String(classes.length - 1).length;
  const own = safe.every((name, i) => name === classes[i] && name !== '' && (i === 0 || name > (classes[i - 1] ?? '')));
  return own ? safe : safe.map((name, i) => `${String(i).padStart(digits, '0')}-${name}`);
}

/**
 * Writes the pictures to a temporary folder, then renames it, so that a folder of this name is always complete. An
 * existing one is kept.
 */
export async function writeClassFolders(
  folder: string,
  { count, shape, images, labels }: Examples,
  classes: readonly string[],
): Promise<void> {
  if ((await stat(folder).catch(() => undefined)) !== undefined) return;
  const [height = 0, width = 0, channels = 0] = shape;
  const names = folderNames(classes);
  const numbers = classes.map(() => 0);
  const aside = `${folder}.part`;
  await rm(aside, { recursive: true, force: true });
  const bytes = bytesOf(images);
  const size = height * width * channels;
  for (let i = 0; i < count; i++) {
    const label = labels[i] as number; // i < count
    const number = numbers[label]!++;
    const png = await new Image(width, height, channels as 1, bytes.subarray(i * size, (i + 1) * size)).toPNG();
    const into = join(aside, names[label] ?? '');
    if (number === 0) await makeFolder(into);
    await writeFile(join(into, `${String(number).padStart(5, '0')}.png`), png);
  }
  await rename(aside, folder);
}

/** A row per class: `each` pictures of the first set, a gap, `each` of the second. White if a class has fewer. */
export async function writeSideBySide(
  path: string,
  [first, second]: readonly [Examples, Examples],
  classes: readonly string[],
  each: number,
): Promise<void> {
  const [height = 0, width = 0, channels = 0] = first.shape;
  const size = height * width * channels;
  const columns = 2 * each + 1;
  const cells = new Uint8ClampedArray(classes.length * columns * size).fill(255);
  for (const [side, { count, images, labels }] of [first, second].entries()) {
    const bytes = bytesOf(images);
    const shown = classes.map(() => 0);
    for (let i = 0; i < count; i++) {
      const label = labels[i] as number; // i < count
      const column = shown[label]!++;
      if (column < each)
        cells.set(bytes.subarray(i * size, (i + 1) * size), (label * columns + side * (each + 1) + column) * size);
    }
  }
  const batch = new ImageBatch(classes.length * columns, width, height, channels, cells);
  await writeFileSafely(path, await batch.grid(columns, { padding: 1, background: 255 }).toPNG());
}

/** [-1, 1] as 0..255, rounded by Uint8ClampedArray. */
const bytesOf = (images: Float32Array): Uint8ClampedArray => Uint8ClampedArray.from(images, (v) => (v + 1) * 127.5);
