// Which examples are held out. The name alone decides, so the split does not change when files are added or removed, or
// with seed, size or machine.

/**
 * Whether an example belongs to the held-out part, which is about `share` of all examples. `name` is the picture's path
 * below the folder with `/` and without extension, so both pictures of a pair, and all captions of a picture, are on
 * the same side. A smaller share's holdout is a subset of a larger one's.
 */
export function isHeldOut(name: string, share: number): boolean {
  return position(name) < share;
}

/** The name as a number in [0, 1): FNV-1a of its UTF-8 bytes, mixed by MurmurHash3's finaliser. */
function position(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name.normalize('NFC'))) h = Math.imul(h ^ byte, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
