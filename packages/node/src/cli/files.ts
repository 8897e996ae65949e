// Reads and writes files for the command. Files are written under a temporary name and renamed, so that a failure
// leaves the old file.
import type { Stats } from 'node:fs';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { ForjaError, ModelFormatError, UsageError } from '@forja/core';
import { reasonOf } from '../files/reason.js';

/**
 * The bytes of a model file. Throws ModelFormatError `model.notFound` for a missing file or a folder, ForjaError `io`
 * when it cannot be read.
 */
export async function readModelFile(where: string, path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).isDirectory())
      throw new ModelFormatError('model.notFound', `${where}: expected an ONNX file, got the folder ${path}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof ForjaError) throw error;
    const reason = `${where}: cannot read ${path}: ${reasonOf(error)}`;
    throw error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      ? new ModelFormatError('model.notFound', reason, { cause: error })
      : new ForjaError('io', reason, { cause: error });
  }
}

/** How pictures are stored. */
export type PictureFormat = 'png' | 'gif' | 'apng' | 'folder';

/**
 * The file or folder that pictures are written to: a file in the one of `formats` that the extension names; a folder if
 * `out` has no extension and `folders` are allowed. Throws UsageError, before any work is done, if it cannot be
 * written.
 */
export async function pictureTarget<F extends string = Exclude<PictureFormat, 'folder'>>(
  where: string,
  cwd: string,
  out: string,
  formats: readonly F[] = ['png', 'gif', 'apng'] as unknown as readonly F[], // the default of F
  folders = true,
): Promise<{ path: string; format: F | 'folder' }> {
  checkLocal(where, out);
  const path = resolve(cwd, out);
  const extension = extname(out).slice(1).toLowerCase();
  const there = await stat(path).catch(() => undefined);
  const folder = extension === '' || /[\\/]$/.test(out);
  const format = formats.find((one) => one === extension);
  if (folder ? !folders : format === undefined)
    throw new UsageError(
      `${where}: expected a ${listed(formats.map((one) => `.${one}`))} ` +
        `file${folders ? ', or a folder' : ''}, got '${out}'`,
    );
  await checkParent(where, path);
  checkKind(where, path, there);
  if (there && there.isDirectory() !== folder)
    throw new UsageError(
      `${where}: expected a ${folder ? 'folder' : 'file'}, but ${path} is a ${folder ? 'file' : 'folder'}`,
    );
  return { path, format: format === undefined || folder ? 'folder' : format };
}

/** `a, b or c`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** The path of a file to write. Throws, before any work is done, if it cannot be written. */
export async function fileTarget(where: string, cwd: string, out: string): Promise<string> {
  checkLocal(where, out);
  const path = resolve(cwd, out);
  await checkParent(where, path);
  const there = await stat(path).catch(() => undefined);
  checkKind(where, path, there);
  if (there?.isDirectory()) throw new UsageError(`${where}: expected a file, but ${path} is a folder`);
  return path;
}

/** Throws UsageError for an address, which would become a folder called `ftp:` or the like. */
export function checkLocal(where: string, out: string): void {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(out))
    throw new UsageError(`${where}: expected a path to write, got the address '${out}'`);
}

/**
 * Throws UsageError for a device or a pipe, such as /dev/null. Writing renames a file to this path, which would replace
 * the device.
 */
function checkKind(where: string, path: string, there: Stats | undefined): void {
  if (there && !there.isFile() && !there.isDirectory())
    throw new UsageError(`${where}: expected a file or folder to write, but ${path} is a device, pipe or socket`);
}

/** Throws ForjaError `io` if the nearest existing parent of `path` is not a folder, or not writable. */
async function checkParent(where: string, path: string): Promise<void> {
  for (let at = dirname(path); ; at = dirname(at)) {
    try {
      if (!(await stat(at)).isDirectory())
        throw new ForjaError('io', `${where}: cannot write ${path}: ${at} is a file`);
      return await access(at, constants.W_OK);
    } catch (cause) {
      if (cause instanceof ForjaError) throw cause;
      const missing =
        cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
      if (!missing || at === dirname(at))
        throw new ForjaError('io', `${where}: cannot write ${path}: ${reasonOf(cause)}`, { cause });
    }
  }
}
