// Writes pictures to files, and options shared by commands that load models.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnimationOptions, CliIo, CliOption, DeviceReport, GridOptions, Image } from '@forja/core';
import { DEVICE_NAMES, ForjaError, ImageBatch, UsageError } from '@forja/core';
import { pictureName } from '../files/picture-name.js';
import { turns } from '../files/turns.js';
import { writeAside, writeAsideNow } from '../files/write-aside.js';
import { mostThreads } from '../threads.js';
import { type PictureFormat } from './files.js';

/** Options of every command that loads a model. */
export const LOAD_OPTIONS: readonly CliOption[] = [
  {
    flags: '--device <name>',
    description: 'where to run',
    default: 'auto',
    choices: [...DEVICE_NAMES],
  },
  {
    flags: '--threads <n>',
    description: 'threads of one run; default: all cores',
    type: 'integer',
    range: [1, mostThreads()],
  },
  {
    flags: '--integrity <mode>',
    description: 'what to do if the file does not match the SHA-256 in its manifest',
    default: 'error',
    choices: ['error', 'warn', 'off'],
  },
];

/** For commands that draw from latents. */
export const NOISE_OPTION: CliOption = {
  flags: '--noise <seed>',
  description: 'for models that take noise: that of another seed, or none',
};

/** For all commands except `forja bench`, which has its own. */
export const LOWERING_OPTION: CliOption = {
  flags: '--lowering <how>',
  description: 'convolutions on the CPU: by the algorithm with the lowest estimated cost, or as in the file',
  default: 'auto',
  choices: ['auto', 'portable'],
};

/** For commands that write pictures to look at. */
export const SCALE_OPTION: CliOption = {
  flags: '--scale <n>',
  description: 'enlarge every pixel n times; default 1',
  type: 'integer',
  range: [1, 64],
};

/** For commands that write animations. */
export const DELAY_OPTION: CliOption = {
  flags: '--delay <ms>',
  description: 'milliseconds per frame in .gif and .apng; default 50',
  type: 'integer',
  range: [10, 60_000],
};

/** For commands that write grids. */
export const paddingOption = (between: string): CliOption => ({
  flags: '--padding <px>',
  description: `pixels between ${between}`,
  type: 'integer',
  range: [0, 10_000],
});

/** Pictures in which every pixel is enlarged to a square with sides of `scale` pixels. */
export function enlarged(where: string, batch: ImageBatch, scale: number): ImageBatch {
  if (scale === 1) return batch;
  const { count, channels } = batch;
  const [width, height] = [batch.width * scale, batch.height * scale];
  const bytes = count * width * height * channels;
  if (bytes > 2 ** 31)
    throw new UsageError(`${where}: expected at most 2 GiB of pictures, got ${bytes} bytes`, { code: 'input.range' });
  const data = new Uint8ClampedArray(bytes);
  const row = width * channels;
  for (let y = 0; y < count * batch.height; y++) {
    const at = y * scale * row;
    for (let x = 0; x < row; x++) {
      const from = Math.floor(x / channels / scale) * channels + (x % channels);
      data[at + x] = batch.data[y * batch.width * channels + from] as number; // the index is inside the picture
    }
    for (let copy = 1; copy < scale; copy++) data.copyWithin(at + copy * row, at, at + row);
  }
  return new ImageBatch(count, width, height, channels, data);
}

/** Writes a batch in `format`; returns the files, in order. */
export async function writePictures(
  batch: ImageBatch,
  path: string,
  format: PictureFormat,
  options: { columns?: number | undefined; grid?: GridOptions; animation?: AnimationOptions; io: CliIo },
): Promise<string[]> {
  const { columns, grid, animation, io } = options;
  if (format !== 'folder') {
    const encoders: Readonly<Record<Exclude<PictureFormat, 'folder'>, () => Promise<Uint8Array>>> = {
      png: () => batch.grid(columns, grid).toPNG(),
      gif: () => batch.toGIF(animation),
      apng: () => batch.toAPNG(animation),
    };
    await writeAside(path, await encoders[format]());
    return [path];
  }
  return writeFolder(batch, batch.count, path, io);
}

/**
 * Writes each picture as a PNG when it arrives, and requests the next one only then, so that memory does not grow with
 * their number. Returns the files, in order.
 */
export async function writeFolder(
  pictures: Iterable<Image> | AsyncIterable<Image>,
  count: number,
  path: string,
  io: CliIo,
): Promise<string[]> {
  await refuseOlder(path, count);
  const files: string[] = [];
  const turn = turns();
  const progress = io.progress(count, 'Writing');
  try {
    for await (const image of pictures) {
      if (io.signal.aborted) break;
      const file = join(path, pictureName(files.length, count));
      const bytes = await image.toPNG();
      if (files.length === 0)
        await writeAside(file, bytes); // makes the folder
      else writeAsideNow(file, bytes);
      files.push(file);
      progress.update(files.length);
      await turn();
    }
  } catch (error) {
    if (!io.signal.aborted) throw error; // an error after Ctrl-C only says that the source was interrupted
  } finally {
    progress.stop();
  }
  if (io.signal.aborted && files.length < count)
    throw new ForjaError('aborted', `interrupted after ${files.length} of ${count} pictures`);
  return files;
}

/**
 * Refuses a folder in which pictures of an earlier call would remain and be mixed up with the new ones. `names`: the
 * names of its entries, if known.
 */
export async function refuseOlder(folder: string, count: number, names?: Iterable<string>): Promise<void> {
  const all = [...(names ?? (await readdir(folder).catch(() => [])))];
  const older = all.filter((name) => /^\d{4,}\.png$/.test(name) && parseInt(name, 10) >= count);
  if (older.length > 0)
    throw new UsageError(
      `--out: expected no pictures in ${folder} in addition to the ${count} of this call, got ${older.length} ` +
        `more (${older.sort()[0]} …); remove them, or name another folder`,
    );
}

/** A device report as a phrase. */
export function onDevice({ actual, adapter, threads, requested, reasons }: DeviceReport): string {
  const why = requested === actual || (requested === 'auto' && actual !== 'wasm') ? '' : ` (${reasons.join('; ')})`;
  return (
    `${actual}` +
    (adapter === undefined ? '' : `, ${adapter}`) +
    (actual === 'cpu' ? `, ${threads} thread${threads === 1 ? '' : 's'}` : '') +
    `${why}`
  );
}
