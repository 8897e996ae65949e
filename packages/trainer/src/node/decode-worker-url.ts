// Where the built worker is: beside the file that this module becomes a part of. Tests replace this module.

/** The address of decode-worker.js. */
export const decodeWorkerUrl = (): URL => new URL('./decode-worker.js', import.meta.url);
