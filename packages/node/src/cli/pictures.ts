// Writes pictures to files, and options shared by commands that load models.
import { join } from 'node:path';
import type { AnimationOptions, CliIo, CliOption, DeviceReport, GridOptions, ImageBatch } from '@forja/core';
import { ForjaError } from '@forja/core';
import { writeAside, type PictureFormat } from './files.js';

/** Options of every command that loads a model. */
export const LOAD_OPTIONS: readonly CliOption[] = [
  {
    flags: '--device <name>',
    description: 'where to run',
    default: 'auto',
    choices: ['auto', 'cpu', 'cuda', 'webgpu', 'coreml', 'dml', 'wasm'],
  },
  { flags: '--threads <n>', description: 'threads of one run; default: all cores', type: 'integer' },
  {
    flags: '--integrity <mode>',
    description: 'what to do if the file does not match the SHA-256 in its manifest',
    default: 'error',
    choices: ['error', 'warn', 'off'],
  },
];

/** For all commands but `forja bench`, which has its own. */
export const LOWERING_OPTION: CliOption = {
  flags: '--lowering <how>',
  description: 'convolutions on the CPU: by the algorithm of lowest estimated cost, or as in the file',
  default: 'auto',
  choices: ['auto', 'portable'],
};

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
  const files: string[] = [];
  const digits = Math.max(4, String(batch.count - 1).length);
  const progress = io.progress(batch.count, 'Writing');
  for (const image of batch) {
    if (io.signal.aborted)
      throw new ForjaError('aborted', `interrupted after ${files.length} of ${batch.count} pictures`);
    const file = join(path, `${String(files.length).padStart(digits, '0')}.png`);
    await writeAside(file, await image.toPNG());
    files.push(file);
    progress.update(files.length);
  }
  progress.stop();
  return files;
}

/** A device report as one phrase. */
export function onDevice({ actual, adapter, threads, requested, reasons }: DeviceReport): string {
  const why = requested === actual || (requested === 'auto' && actual !== 'wasm') ? '' : ` (${reasons.join('; ')})`;
  return `${actual}${adapter === undefined ? '' : `, ${adapter}`}${actual === 'cpu' ? `, ${threads} thread${threads === 1 ? '' : 's'}` : ''}${why}`;
}
