// Loads tfjs models, layers models and graph models, from a folder or an address: model.json and its weight files.
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve as resolvePath, isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { classOf, ForjaError, ModelFormatError, optionsOf, shown, UsageError, abortError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { loadModelFiles, loadTfjsModel as loadByAddress, type LoadTfjsOptions } from '../export/load-tfjs.js';

/** True for the address of a model on the web. */
export function isAddress(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/**
 * Loads a `model.json`, the one in a folder, or the one at an http(s) or file address, and its weight files.
 * @throws ModelFormatError `model.notFound`, `model.format`, `model.truncated`, `model.unsupported`; `model.integrity`
 * for weight files outside the model's folder. ForjaError `io`, `aborted`.
 */
export async function loadTfjsModel(
  source: string | URL,
  options: LoadTfjsOptions = {},
): Promise<tf.LayersModel | tf.GraphModel> {
  optionsOf('loadTfjsModel', options, 'onProgress signal');
  if (typeof source !== 'string' && classOf(source) !== 'URL')
    throw new UsageError(`loadTfjsModel: expected a path or an address, got ${shown(source)}`);
  if (isAddress(String(source))) return loadByAddress(source, options);
  const given =
    classOf(source) === 'URL' || String(source).startsWith('file:') ? fileURLToPath(String(source)) : String(source);
  const path = (await stat(given).catch(() => undefined))?.isDirectory() === true ? join(given, 'model.json') : given;
  const folder = dirname(resolvePath(path));
  return loadModelFiles(
    path,
    (name) => {
      if (name === '') return read(path, options.signal);
      const file = resolvePath(folder, name);
      const inside = relative(folder, file);
      if (inside.startsWith('..') || isAbsolute(inside))
        throw new ModelFormatError(
          'model.integrity',
          `${path}: expected weight files inside the model's folder, got a path out of it: ${name}`,
        );
      return read(file, options.signal);
    },
    options,
  );
}

/**
 * Imports a user's module for its side effects, such as registering custom layers. `name` is a path relative to `cwd`,
 * or a package.
 */
export async function importUserModule(name: string, cwd: string): Promise<void> {
  const path = resolvePath(cwd, name);
  const isFile = (await stat(path).catch(() => undefined))?.isFile() === true;
  try {
    await import(isFile ? pathToFileURL(path).href : name);
  } catch (cause) {
    throw new UsageError(
      `--import ${name}: expected a module that can be imported, got ` +
        (cause instanceof Error ? cause.message : String(cause)),
      { cause },
    );
  }
}

async function read(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.aborted === true) throw abortError(signal.reason);
    const { code, message } = cause as NodeJS.ErrnoException; // the type of node:fs's errors
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR')
      throw new ModelFormatError(
        'model.notFound',
        `${path}: expected a file, got ${code === 'EISDIR' ? 'a folder' : 'nothing'} there`,
        { cause },
      );
    throw new ForjaError('io', `${path}: cannot be read: ${message}`, { cause });
  }
}
