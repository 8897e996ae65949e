// Type checks that work across realms. `instanceof` knows the classes of one realm only; test runners, vm contexts and
// frames pass arrays of others.
import { UsageError } from './errors.js';
import { nearest } from './nearest.js';
import type { AbortSignalLike } from './platform.js';
import { shown } from './shown.js';

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

type Words<S extends string> = S extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : S;

/** `S` if its words are the keys of `T`; else never, so that a list with a missing or a wrong one does not compile. */
type KeysOf<T, S extends string> = [Exclude<keyof T, Words<S>>, Exclude<Words<S>, keyof T>] extends [never, never]
  ? S
  : never;

/**
 * Checks options, for callers without types: an object, and with `known`, the names of all options in one text, no
 * others, with a signal that is one and functions under the names of events. Throws UsageError.
 */
export function optionsOf<T extends object, S extends string>(where: string, options: T, known?: S & KeysOf<T, S>): T {
  const given: unknown = options;
  if (
    typeof given !== 'object' ||
    given === null ||
    Array.isArray(given) ||
    ArrayBuffer.isView(given) ||
    (known !== undefined && classOf(given) !== 'Object') // a promise, for one
  )
    throw new UsageError(`${where}: expected an object, got ${kindOf(given)}`);
  const names = known?.split(' ');
  for (const [name, value] of names ? Object.entries(given as Record<string, unknown>) : []) {
    const refuse = (what: string): never => {
      throw new UsageError(`${where}.${name}: expected ${what}`);
    };
    if (value === undefined) continue;
    if (!names!.includes(name)) refuse(`no such option${nearest(name, names!) || `; it may be ${names!.join(', ')}`}`);
    if (name === 'signal' && typeof (value as Partial<AbortSignalLike> | null)?.addEventListener !== 'function')
      refuse(`an AbortSignal, got ${shown(value)}`);
    if (/^on[A-Z]/.test(name) && typeof value !== 'function') refuse(`a function, got ${shown(value)}`);
  }
  return options;
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? classOf(value) : typeof value;
}
