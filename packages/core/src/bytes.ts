// Concatenation of bytes.
import { UsageError } from './errors.js';
import { isBytes } from './realm.js';
import { shown } from './shown.js';

/** The parts concatenated in a new array. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (!Array.isArray(parts) || !parts.every(isBytes))
    throw new UsageError(`joinBytes: expected a list of Uint8Arrays, got ${shown(parts)}`);
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
