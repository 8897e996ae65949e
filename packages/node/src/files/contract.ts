// What the readers and downloaders of models share: progress, options, and a model in memory. CONTRACT.
import type { AbortSignalLike } from '@forja/core';

/**
 * Bytes read or received so far, of the model and its external data; `total` if known. The list of external data is
 * known only once the model has been read.
 */
export interface LoadProgress {
  phase: 'read' | 'download';
  loaded: number;
  total?: number;
}

/** A listener for {@link LoadProgress}. */
export type OnProgress = (progress: LoadProgress) => unknown;

/** Options of `readModel`. */
export interface ReadOptions {
  signal?: AbortSignalLike | undefined;
  onProgress?: OnProgress | undefined;
  /** Folder that caches downloads. */
  cache?: string | undefined;
}

/** A model in memory, in bytes that no other code changes. */
export interface ReadModel {
  /** The source, for messages. */
  where: string;
  bytes: Uint8Array;
  /** External data by location; only for models from a file or an address. */
  external: Map<string, Uint8Array>;
}
