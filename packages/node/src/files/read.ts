// Reads a model from a path, an address, a Blob, or bytes.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  checkAlone,
  checkExternalSizes,
  checkModelBytes,
  classOf,
  externalAddress,
  externalFiles,
  ForjaError,
  isBytes,
  ManyFiles,
  messageOf,
  ownBytes,
  shown,
  UsageError,
} from '@forja/core';
import type { LoadProgress, ReadModel, ReadOptions } from './contract.js';
import { download } from './download.js';
import { readExternal, readModelFile } from './read-file.js';

/** Wraps an error of a progress listener, so that the functions that read do not change it as they do other errors. */
class ListenerFailed extends ForjaError {
  constructor(cause: unknown) {
    super('internal', messageOf(cause), { cause });
  }
}

/**
 * Reads `source` and checks that it looks like a model. See `load` for the errors. If `onProgress` throws or rejects,
 * reading ends with the same error.
 */
export async function readModel(source: unknown, options: ReadOptions): Promise<ReadModel> {
  const { onProgress } = options;
  const guarded = async (progress: LoadProgress): Promise<void> => {
    try {
      await onProgress?.(progress);
    } catch (error) {
      throw new ListenerFailed(error);
    }
  };
  try {
    return await read(source, onProgress === undefined ? options : { ...options, onProgress: guarded });
  } catch (error) {
    throw error instanceof ListenerFailed ? error.cause : error;
  }
}

async function read(source: unknown, options: ReadOptions): Promise<ReadModel> {
  const { signal } = options;
  const none = new Map<string, Uint8Array>();
  const progress = new ManyFiles<LoadProgress>((all) => options.onProgress?.(all));
  const address = classOf(source) === 'URL' || (typeof source === 'string' && /^(https?|file):/i.test(source));
  const at = address ? urlOf(String(source)) : source;
  if (at instanceof URL && /^https?:$/.test(at.protocol)) return downloaded(at, options, progress);
  if (at instanceof URL && at.protocol !== 'file:')
    throw new UsageError(`load: expected a path, a file: or an http(s): address, got ${at.protocol}`);
  if (typeof at === 'string' || at instanceof URL) {
    const path = typeof at === 'string' ? resolve(at) : fileURLToPath(at);
    const { bytes } = checked({
      where: path,
      bytes: await readModelFile(path, signal, progress.add()),
      external: none,
    });
    return {
      where: path,
      bytes,
      external: await readExternal(path, externalFiles(bytes), signal, (expected) => progress.add(expected)),
    };
  }
  if (isBytes(at))
    return alone(checked({ where: 'the bytes given', bytes: new Uint8Array(ownBytes('load', at)), external: none }));
  if (isBlob(at))
    return alone(checked({ where: 'the Blob given', bytes: new Uint8Array(await at.arrayBuffer()), external: none }));
  throw new UsageError(`load: expected a path, a URL, a Uint8Array or a Blob, got ${shown(at)}`);
}

/**
 * Downloads a model and its external data, which must be inside the model's folder and come from the servers that sent
 * the model.
 */
async function downloaded(
  url: URL,
  { signal, cache }: ReadOptions,
  progress: ManyFiles<LoadProgress>,
): Promise<ReadModel> {
  const origins = new Set<string>();
  const model = checked({
    where: url.href,
    bytes: await download(url, { signal, cache, onProgress: progress.add() }, { what: 'a model', origins }),
    external: new Map(),
  });
  const files = externalFiles(model.bytes);
  const due = [...files].map(([location, least]) => ({
    location,
    at: new URL(externalAddress(url.href, location)),
    onProgress: progress.add(least),
  }));
  for (const { location, at, onProgress } of due) {
    model.external.set(
      location,
      await download(
        at,
        { signal, cache, onProgress },
        { what: `the external data ${JSON.stringify(location)} of ${url.href}`, origins, external: true },
      ),
    );
  }
  checkExternalSizes(url.href, files, model.external);
  return model;
}

function isBlob(source: unknown): source is Blob {
  return ['Blob', 'File'].includes(classOf(source));
}

function checked(model: ReadModel): ReadModel {
  checkModelBytes(model.bytes, model.where);
  return model;
}

function alone(model: ReadModel): ReadModel {
  checkAlone(model.where, model.bytes);
  return model;
}

function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new UsageError(`load: expected a URL, got '${text}'`, { cause });
  }
}
