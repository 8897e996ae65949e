// Writes pictures as a WebM or MP4 video with the user's ffmpeg: raw frames through a pipe, no sound. ffmpeg uses one
// thread and writes no timestamps, so that the same pictures give the same bytes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ForjaError, UsageError, type Image, type ImageBatch } from '@forja/core';
import { makeFolder } from '../files/make-folder.js';
import { reasonOf } from '../files/reason.js';

/** Video formats. */
export type VideoFormat = 'webm' | 'mp4';

/** Encoder and quality of each format, which browsers can play. */
const ENCODERS: Readonly<Record<VideoFormat, readonly string[]>> = {
  webm: ['-c:v', 'libvpx-vp9', '-b:v', '0', '-crf', '20', '-row-mt', '0'],
  mp4: ['-c:v', 'libx264', '-preset', 'medium', '-crf', '16', '-movflags', '+faststart'],
};

/** @throws UsageError unless `ffmpeg` can be started. */
export async function checkFfmpeg(where: string, ffmpeg: string): Promise<void> {
  const child = spawn(ffmpeg, ['-version'], { stdio: 'ignore' });
  try {
    const [code] = (await once(child, 'close')) as [number | null]; // as node:child_process documents it
    if (code === 0) return;
  } catch {
    // it could not be started
  }
  throw new UsageError(
    `${where}: expected ffmpeg, which writes .webm and .mp4, to be installed, got none that starts as ` +
      `'${ffmpeg}'; install it, name it with --ffmpeg <path>, or write a .gif or .apng`,
  );
}

/** Options of {@link writeVideo}. */
export interface VideoOptions {
  ffmpeg: string;
  format: VideoFormat;
  /** Frames per second. */
  fps: number;
  signal: AbortSignal;
}

/**
 * Writes the file under a temporary name and renames it.
 * @throws ForjaError `io` with ffmpeg's message if it fails, `aborted`.
 */
export async function writeVideo(batch: ImageBatch, path: string, options: VideoOptions): Promise<void> {
  const { ffmpeg, format, fps, signal } = options;
  const [width, height] = [even(batch.width), even(batch.height)];
  const aside = join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await makeFolder(dirname(path));
    const child = spawn(
      ffmpeg,
      [
        ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'],
        ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0'],
        ...['-an', ...ENCODERS[format], '-pix_fmt', 'yuv420p', '-threads', '1'],
        ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-map_metadata', '-1', '-f', format, aside],
      ],
      { stdio: ['pipe', 'ignore', 'pipe'], signal },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdin.on('error', () => undefined); // ffmpeg ended early: its exit code is checked below
    const ended = once(child, 'close') as Promise<[number | null]>; // as node:child_process documents it
    ended.catch(() => undefined); // awaited below
    for (const image of batch) {
      if (!child.stdin.writable) break;
      if (!child.stdin.write(framed(image, width, height))) await Promise.race([once(child.stdin, 'drain'), ended]);
    }
    child.stdin.end();
    const [code] = await ended;
    if (code !== 0) throw new Error(`ffmpeg ended with ${code}: ${said.trim().split('\n')[0] ?? ''}`);
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    if (signal.aborted) throw new ForjaError('aborted', 'interrupted while ffmpeg wrote the video', { cause });
    throw new ForjaError('io', `cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** Both formats store colours at half the resolution, so width and height must be even. */
const even = (edge: number): number => edge + (edge % 2);

/** RGB rows, blended with white, with the last row and column repeated up to the even size. */
function framed(image: Image, width: number, height: number): Uint8Array {
  const rgba = image.toRGBA();
  const out = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (Math.min(y, image.height - 1) * image.width + Math.min(x, image.width - 1)) * 4;
      const alpha = (rgba[from + 3] as number) / 255; // the index is inside the picture
      for (let c = 0; c < 3; c++) out[to++] = Math.round(255 + ((rgba[from + c] as number) - 255) * alpha);
    }
  return out;
}
