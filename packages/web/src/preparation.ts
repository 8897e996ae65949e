// Starts the preparation of a model's faster convolutions in a separate worker, which the worker that runs the
// model starts.
import type { Preparation } from '@forja/core';
import type { FastBytes } from '@forja/core/onnx';
import type { Prepared } from './prepare.js';

/** Prepares in this worker, between two runs, if no other worker can be started. */
async function prepareHere(model: Blob): Promise<FastBytes | undefined> {
  const [{ fastModelBytes }, bytes] = await Promise.all([import('./lower.js'), model.arrayBuffer()]);
  return fastModelBytes(new Uint8Array(bytes));
}

/** How long Chromium takes to end a worker, with room to spare. */
const ENDING_MS = 500;
let lastEnd = -Infinity;

function terminate(worker: Worker): void {
  worker.terminate();
  lastEnd = performance.now();
}

/**
 * Waits until workers that prepared have ended. Chromium (seen in 156) may never end a worker that is terminated while
 * one that it started is just ending: both stay, with their memory.
 */
export async function preparationsEnded(): Promise<void> {
  const rest = lastEnd + ENDING_MS - performance.now();
  if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
}

/** Starts a preparation. */
export function prepare(model: Blob): Preparation {
  let worker: Worker;
  try {
    // Written out in full: bundlers look for exactly this expression.
    worker = new Worker(new URL('./prepare.js', import.meta.url), { type: 'module', name: 'forja-prepare' });
  } catch {
    return { done: prepareHere(model), cancel: () => Promise.resolve() };
  }
  let end: () => void = () => undefined;
  const done = new Promise<FastBytes | undefined>((resolve, reject) => {
    end = () => resolve(undefined);
    worker.addEventListener('message', ({ data }: MessageEvent<Prepared>) =>
      'found' in data ? resolve(data.found) : reject(new Error(data.trouble)),
    );
    // The worker's file is missing, or a policy forbids the worker.
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      resolve(prepareHere(model));
    });
    worker.postMessage(model);
  }).finally(() => terminate(worker));
  return {
    done,
    cancel: () => {
      terminate(worker);
      end();
      return Promise.resolve();
    },
  };
}
