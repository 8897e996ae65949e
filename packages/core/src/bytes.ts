// Concatenation of bytes.
import { UsageError } from './errors.js';
import { joined } from './joined.js';
import { isBytes, listOf } from './realm.js';
import { shown } from './shown.js';

/** The parts concatenated in a new array. Throws UsageError for anything but a list of bytes. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const odd = listOf('joinBytes', parts).find((part) => !isBytes(part));
  if (odd !== undefined) throw new UsageError(`joinBytes: expected Uint8Arrays, got ${shown(odd)}`);
  return joined(parts);
}
