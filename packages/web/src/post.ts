// What is posted: options without what stays here, and bytes as Blobs.
import { classOf } from '@forja/core/page';
import type { SessionOptions } from '@forja/core';
import type { PostedSessionOptions } from './protocol.js';

/** The part of session options that executors here heed, but the state, which the runtime puts in. */
export function postedOptions({
  threads,
  strict,
  lowering,
  precision,
}: SessionOptions & Pick<PostedSessionOptions, 'precision'>): PostedSessionOptions {
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(strict === undefined ? {} : { strict }),
    ...(lowering === undefined ? {} : { lowering }),
    ...(precision === undefined ? {} : { precision }),
  };
}

/** A Blob of bytes, which may be in shared memory. */
export function blobOf(bytes: Uint8Array): Blob {
  // just looked at
  const own = classOf(bytes.buffer) === 'ArrayBuffer' ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  return new Blob([own]);
}
