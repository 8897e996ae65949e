// Where the worker's file is: beside this module once built. Under vitest, vitest.worker.ts replaces this module.

/** URL of the built worker.js. */
export function workerUrl(): URL {
  return new URL('./worker.js', import.meta.url);
}
