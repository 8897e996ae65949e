// Concatenation of bytes without a check, for encoders that pages load when needed: what `joinBytes` checks with would
// be one more file for every page.

/** The parts concatenated in a new array. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
