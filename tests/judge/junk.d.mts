// Types of junk.mjs.
export function makeJunk(
  seed: number,
  count: number,
  digits: Float32Array,
  labels: Uint8Array,
): Record<'noise' | 'blurred' | 'rowShuffled' | 'blended', Float32Array>;
