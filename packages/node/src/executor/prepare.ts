// A model's faster convolutions, found in a thread of its own: no run waits for them. The thread touches no native
// code, so it may be ended at any time.
import { Worker } from 'node:worker_threads';
import { DeviceError } from '@forja/core';
import type { FastBytes } from '@forja/core/onnx';
import { lowerForCpu } from './lower.js';
import { startFile } from './start.js';

/** What the worker's file is started with for this. */
export interface PrepareData {
  prepare: Uint8Array;
}

/** A preparation that goes on. */
export interface Preparation {
  /** Undefined where the model stays as it is, and after `cancel`. */
  readonly done: Promise<FastBytes | undefined>;
  /** Resolves when its thread has ended. */
  cancel(): Promise<void>;
}

/** Begins it; in this thread where no other one can be started. */
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
      worker.once('exit', () => resolve(undefined)); // no answer comes any more
    }),
    cancel: async () => {
      void worker.terminate();
      await ended;
    },
  };
}
