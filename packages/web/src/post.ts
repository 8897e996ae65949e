// Session options with copies of all data, tight and not shared: posting a view clones its whole buffer, and
// onnxruntime takes no shared memory.
import { copyOf } from '@forja/core/page';
import type { SessionOptions } from '@forja/core';
import type { PostedSessionOptions } from './protocol.js';

/**
 * The part of session options that executors here heed. What the caller does with its own data afterwards is not seen.
 */
export function ownedOptions({
  threads,
  strict,
  lowering,
  half,
  state,
}: SessionOptions & Pick<PostedSessionOptions, 'half'>): PostedSessionOptions {
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(strict === undefined ? {} : { strict }),
    ...(lowering === undefined ? {} : { lowering }),
    ...(half ? { half } : {}),
    ...(state === undefined
      ? {}
      : {
          state: Object.fromEntries(
            Object.entries(state).map(([input, { output, initial }]) => [input, { output, initial: copyOf(initial) }]),
          ),
        }),
  };
}

/** A Blob of bytes, which may be in shared memory. */
export function blobOf(bytes: Uint8Array): Blob {
  // just looked at
  return new Blob([bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)]);
}
