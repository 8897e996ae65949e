// Reads a model from the file system, with progress, and its external data only from its own folder.
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { abortError, checkExternalSizes, checkLocation, ForjaError, ModelFormatError, outside } from '@forja/core';
import type { AbortSignalLike } from '@forja/core';
import type { OnProgress } from './contract.js';

const CHUNK = 2 ** 24;
/** Opens without waiting for a pipe's writer: a pipe is refused. Windows has no such flag. */
const READ = constants.O_RDONLY | ((constants as { O_NONBLOCK?: number }).O_NONBLOCK ?? 0);
/** Size limit of a protobuf message; larger weights are in external data. */
const LIMIT = 2 ** 31 - 1;

/**
 * The file's bytes. Throws `model.notFound` (missing, a folder), `model.format` (not a regular file, or 2 GiB and
 * more), `model.truncated` (shrinks while being read), `io`, `aborted`.
 */
export async function readModelFile(
  path: string,
  signal?: AbortSignalLike,
  onProgress?: OnProgress,
): Promise<Uint8Array> {
  return readWhole(path, LIMIT, signal, onProgress);
}

/**
 * External data by location; `files` comes from `externalFiles`. Locations come from an untrusted model: each must be a
 * regular file inside the model's folder, after resolving symbolic links. Throws `model.format` for one outside,
 * `model.notFound` for a missing one, `model.truncated` for one that is shorter than the model says.
 */
export async function readExternal(
  modelPath: string,
  files: ReadonlyMap<string, number>,
  signal?: AbortSignalLike,
  listener?: (expected: number) => OnProgress,
): Promise<Map<string, Uint8Array>> {
  const read = new Map<string, Uint8Array>();
  if (files.size === 0) return read;
  const folder = await realpath(dirname(modelPath));
  const listeners = new Map([...files].map(([location, least]) => [location, listener?.(least)]));
  for (const location of files.keys()) {
    checkLocation(modelPath, location);
    const path = join(folder, location);
    if (!inside(folder, path)) throw outside(modelPath, location);
    const real = await realpath(path).catch((cause: unknown) => {
      throw new ModelFormatError(
        'model.notFound',
        `${modelPath}: expected its external data ${JSON.stringify(location)} in the same folder, got no such file`,
        { cause },
      );
    });
    if (!inside(folder, real)) throw outside(modelPath, location);
    read.set(location, await readWhole(real, Number.MAX_SAFE_INTEGER, signal, listeners.get(location)));
  }
  checkExternalSizes(modelPath, files, read);
  return read;
}

function inside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function readWhole(
  path: string,
  limit: number,
  signal?: AbortSignalLike,
  onProgress?: OnProgress,
): Promise<Uint8Array> {
  const handle = await open(path, READ).catch((cause: unknown) => {
    throw refusal(path, cause);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory())
      throw new ModelFormatError('model.notFound', `${path}: expected an ONNX file, got a folder; name the file in it`);
    if (!stats.isFile())
      throw new ModelFormatError('model.format', `${path}: expected an ONNX file, got a device or pipe`);
    if (stats.size > limit)
      throw new ModelFormatError(
        'model.format',
        `${path}: expected less than 2 GiB, got ${stats.size} bytes; ONNX keeps larger weights in external data`,
      );
    const bytes = new Uint8Array(stats.size);
    for (let at = 0; at < bytes.length;) {
      if (signal?.aborted) throw abortError(signal.reason);
      const { bytesRead } = await handle.read(bytes, at, Math.min(CHUNK, bytes.length - at), at);
      if (bytesRead === 0)
        throw new ModelFormatError(
          'model.truncated',
          `${path}: expected ${bytes.length} bytes, got ${at}: the file is being written; wait for it`,
        );
      at += bytesRead;
      await onProgress?.({ phase: 'read', loaded: at, total: bytes.length });
    }
    return bytes;
  } catch (error) {
    throw refusal(path, error);
  } finally {
    await handle.close();
  }
}

function refusal(path: string, cause: unknown): ForjaError {
  if (cause instanceof ForjaError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException; // as thrown by node:fs
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new ModelFormatError('model.notFound', `${path}: expected an ONNX file, got no such file`, { cause });
  if (code === 'EISDIR')
    return new ModelFormatError('model.notFound', `${path}: expected an ONNX file, got a folder; name the file in it`, {
      cause,
    });
  return new ForjaError('io', `${path}: could not be read: ${message}`, { cause });
}
