/** All models with their names (paths in the package they come from), each in a buffer of its own. */
export function readCorpus(): { name: string; bytes: Uint8Array<ArrayBuffer> }[];
