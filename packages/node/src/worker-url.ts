// The worker's file, in this module's folder once built. Under vitest, vitest.worker.ts replaces this module.
import { moduleUrl } from './module-url.js';

/** URL of the built worker.js. */
export function workerUrl(): URL {
  return new URL('./worker.js', moduleUrl());
}
