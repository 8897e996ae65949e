// Where the built worker is: next to the bundle that contains this module. Tests replace this module.

/** The address of decode-worker.js. */
export const decodeWorkerUrl = (): URL => new URL('./decode-worker.js', import.meta.url);
