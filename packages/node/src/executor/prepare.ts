// Prepares a model's faster convolutions in a separate thread, so that no run waits. The thread calls no native code,
// so it can be terminated at any time.
import { Worker } from 'node:worker_threads';
import { DeviceError } from '@forja/core';
import type { Preparation } from '@forja/core';
import { lowerForCpu } from './lower.js';
import { startFile } from './start.js';

/** The `workerData` of this thread. */
export interface PrepareData {
  prepare: Uint8Array;
}

/** Starts a preparation; in this thread if no other thread can be started. */
export function prepare(model: Uint8Array): Preparation {
  let worker: Worker;
  try {
    const workerData: PrepareData = { prepare: model };
    worker = startFile('worker', (file) => new Worker(file, { workerData, name: 'forja-prepare', execArgv: [] }));
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { done: lowerForCpu(model), cancel: () => Promise.resolve() };
  }
  worker.unref();
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return {
    done: new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => resolve(undefined)); // it ended without an answer
    }),
    cancel: async () => {
      void worker.terminate();
      await ended;
    },
  };
}
