// The URL of the worker's file, which a build puts into this module's folder. Under vitest, vitest.worker.ts replaces
// this module.
import { moduleUrl } from './module-url.js';

/** URL of the built worker.js. */
export function workerUrl(): URL {
  return new URL('./worker.js', moduleUrl());
}
