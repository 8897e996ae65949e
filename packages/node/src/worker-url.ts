// Where the worker's file is: beside this module once built. Under vitest, vitest.worker.ts replaces this module.
import { pathToFileURL } from 'node:url';

// Bundles in CommonJS have no import.meta.url, but this.
declare const __filename: string | undefined;

/** URL of the built worker.js. */
export function workerUrl(): URL {
  const here = (import.meta as { url?: string }).url ?? pathToFileURL(String(__filename)).href;
  return new URL('./worker.js', here);
}
