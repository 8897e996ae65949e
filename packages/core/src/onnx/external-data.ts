// Tensors whose bytes are in another file: where, and which locations are allowed. A model is untrusted, so a location
// may only name a file in or below its own folder.
import type { TensorProto } from './ir.js';

/** Where a tensor's bytes are. Without `length` they extend to the end of the file. */
export interface ExternalData {
  location: string;
  offset: number;
  length?: number;
}

/** TensorProto.DataLocation.EXTERNAL. */
export const EXTERNAL = 1;

/**
 * The external data of a tensor, undefined when its bytes are in the model, or a text that says what is wrong
 * (`expected …, got …`).
 */
export function externalDataOf(tensor: TensorProto): ExternalData | string | undefined {
  if (tensor.dataLocation !== EXTERNAL) return undefined;
  const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value ?? '']));
  const location = entries.get('location') ?? '';
  if (!isSafeLocation(location)) return `expected a location in or below the model's folder, got '${location}'`;
  const offset = entries.get('offset') ?? '0';
  const length = entries.get('length');
  for (const [key, text] of [
    ['offset', offset],
    ['length', length ?? '0'],
  ] as const)
    if (!isCount(text)) return `expected a number of bytes as ${key}, got '${text}'`;
  return { location, offset: Number(offset), ...(length === undefined ? {} : { length: Number(length) }) };
}

/**
 * Whether a location is a relative path that cannot leave the model's folder on any system: no drive, no root, no `..`,
 * no NUL.
 */
export function isSafeLocation(location: string): boolean {
  if (typeof location !== 'string') return false;
  const parts = location.split(/[/\\]/);
  return location !== '' && !/^[/\\]|^[a-z]:|\0/i.test(location) && !parts.includes('..');
}

function isCount(text: string): boolean {
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}
