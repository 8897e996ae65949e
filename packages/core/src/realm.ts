// Type checks that work across realms. `instanceof` knows the classes of one realm only; test runners, vm contexts and
// frames pass arrays of others.
import { UsageError } from './errors.js';

/** The built-in class of a value: 'Float32Array', 'ArrayBuffer', 'URL', 'Null'. A Node Buffer is a 'Uint8Array'. */
export function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is a Uint8Array, a Node Buffer included. */
export function isBytes(value: unknown): value is Uint8Array {
  return classOf(value) === 'Uint8Array';
}

/** Whether an array's memory was transferred to another thread; it is empty then and cannot be copied. */
export function isDetached({ buffer }: ArrayBufferView): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).length !== 0;
  } catch {
    return true;
  }
}

/**
 * A caller's bytes as a view of this realm; a copy if their memory is shared, because others may write to it. Throws
 * UsageError for anything else.
 */
export function ownBytes(where: string, bytes: unknown): Uint8Array<ArrayBuffer> {
  if (!isBytes(bytes)) throw new UsageError(`${where}: expected a Uint8Array, got ${kindOf(bytes)}`);
  if (isDetached(bytes)) throw new UsageError(`${where}: expected bytes, got an array whose buffer was transferred`);
  const { buffer, byteOffset, byteLength } = bytes;
  return classOf(buffer) === 'ArrayBuffer'
    ? new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength) // checked above
    : new Uint8Array(bytes);
}

/** Checks that options are an object. Throws UsageError for null and other values, which untyped callers may pass. */
export function optionsOf<T extends object>(where: string, options: T): T {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null || Array.isArray(given) || ArrayBuffer.isView(given))
    throw new UsageError(`${where}: expected an object, got ${kindOf(given)}`);
  return options;
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? classOf(value) : typeof value;
}
