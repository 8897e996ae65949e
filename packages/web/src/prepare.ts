// Entry of the worker that prepares a model's faster convolutions, so that no run waits for it. It gets the model and
// answers once. Started by preparation.ts.
import { messageOf } from '@forja/core';
import type { FastBytes } from '@forja/core/onnx';
import { fastModelBytes } from './lower.js';

/** The answer: the prepared model, if there is one, or why there is none. */
export type Prepared = { found: FastBytes | undefined } | { trouble: string };

// The DOM's and the worker's globals have the same name in TypeScript; this file only runs in a worker.
const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
const answer = (prepared: Prepared, transfer: Transferable[] = []): void => scope.postMessage(prepared, transfer);

scope.addEventListener('message', ({ data }: MessageEvent<Blob>) => {
  data
    .arrayBuffer()
    .then((bytes) => fastModelBytes(new Uint8Array(bytes)))
    .then((found) => answer({ found }, found ? [found.bytes.buffer as ArrayBuffer] : []))
    .catch((error: unknown) => answer({ trouble: messageOf(error) }));
});
