// Converts options, and bytes to Blobs, for posting to the worker.
import { classOf, isBytes, shown, UsageError } from '@forja/core/page';
import type { SessionOptions } from '@forja/core';
import type { PostedSessionOptions } from './protocol.js';

/** Options of a session as the page has them. */
export type OpenOptions = Omit<PostedSessionOptions, 'state'> & Pick<SessionOptions, 'state'>;

/** Picks the session options that the executors of this package use, without the state, which the runtime adds. */
export function postedOptions({ threads, strict, lowering, rows, precision }: OpenOptions): PostedSessionOptions {
  return { threads, strict, lowering, rows, precision };
}

/** A Blob of bytes, which may be in shared memory. */
export function blobOf(bytes: Uint8Array): Blob {
  if (!isBytes(bytes)) throw new UsageError(`model: expected a Uint8Array, got ${shown(bytes)}`);
  // the cast: `bytes.buffer` is checked on this line
  const own = classOf(bytes.buffer) === 'ArrayBuffer' ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  return new Blob([own]);
}
