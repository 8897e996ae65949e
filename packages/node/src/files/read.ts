// The bytes of a model wherever it is: a path, an address, a Blob, or bytes already here.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkModelBytes, externalLocations, UsageError } from '@forja/core';
import type { AbortSignalLike } from '@forja/core';
import { download } from './download.js';
import { readExternal, readModelFile } from './read-file.js';

/** Bytes read or received so far; `total` where it is known. */
export interface LoadProgress {
  phase: 'read' | 'download';
  loaded: number;
  total?: number;
}

/** A listener for {@link LoadProgress}. */
export type OnProgress = (progress: LoadProgress) => void;

/** How to read. */
export interface ReadOptions {
  signal?: AbortSignalLike | undefined;
  onProgress?: OnProgress | undefined;
  /** Folder that keeps downloads. */
  cache?: string | undefined;
}

/** A model in memory. */
export interface ReadModel {
  /** Names it in messages. */
  where: string;
  bytes: Uint8Array;
  /** External data by location; only models read from a file have any. */
  external: Map<string, Uint8Array>;
}

/** Reads `source` whole and checks its outline. See `load` for the errors. */
export async function readModel(source: unknown, options: ReadOptions): Promise<ReadModel> {
  const { signal, onProgress } = options;
  const none = new Map<string, Uint8Array>();
  const at = typeof source === 'string' ? (/^(https?|file):/i.test(source) ? urlOf(source) : source) : source;
  if (at instanceof URL && /^https?:$/.test(at.protocol)) return checked({ where: at.href, bytes: await download(at, options), external: none });
  if (at instanceof URL && at.protocol !== 'file:') throw new UsageError(`load: expected a path, a file: or an http(s): address, got ${at.protocol}`);
  if (typeof at === 'string' || at instanceof URL) {
    const path = typeof at === 'string' ? resolve(at) : fileURLToPath(at);
    const { bytes } = checked({ where: path, bytes: await readModelFile(path, signal, onProgress), external: none });
    return { where: path, bytes, external: await readExternal(path, externalLocations(bytes), signal) };
  }
  if (at instanceof Uint8Array) return checked({ where: 'the bytes given', bytes: at, external: none });
  if (at instanceof Blob) return checked({ where: 'the Blob given', bytes: new Uint8Array(await at.arrayBuffer()), external: none });
  throw new UsageError(`load: expected a path, a URL, a Uint8Array or a Blob, got ${at === null ? 'null' : typeof at}`);
}

function checked(model: ReadModel): ReadModel {
  checkModelBytes(model.bytes, model.where);
  return model;
}

function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new UsageError(`load: expected a URL, got '${text}'`, { cause });
  }
}
