// Type checks that work across realms. `instanceof` knows the classes of one realm only; test runners, vm contexts and
// frames pass arrays of others.
import { UsageError } from './errors.js';
import type { AbortSignalLike } from './platform.js';
import { classOf, shown } from './shown.js';

export { classOf } from './shown.js';

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
  if (!isBytes(bytes)) throw new UsageError(`${where}: expected a Uint8Array, got ${shown(bytes)}`);
  if (isDetached(bytes)) throw new UsageError(`${where}: expected bytes, got an array whose buffer was transferred`);
  const { buffer, byteOffset, byteLength } = bytes;
  return classOf(buffer) === 'ArrayBuffer'
    ? new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength) // checked above
    : new Uint8Array(bytes);
}

type Words<S extends string> = S extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : S;

/** `S` if its words are exactly the keys of `T`, else never: a list with a missing or wrong name does not compile. */
type KeysOf<T, S extends string> = [Exclude<keyof T, Words<S>>, Exclude<Words<S>, keyof T>] extends [never, never]
  ? S
  : never;

/**
 * Checks options of untyped callers: they must be an object. With `known` (the names of all options in one string),
 * other names are refused, `signal` must be an abort signal, and listeners must be functions. Throws UsageError.
 */
export function optionsOf<T extends object, S extends string>(where: string, options: T, known?: S & KeysOf<T, S>): T {
  const given: unknown = options;
  const names = known?.split(' ');
  // With names, only a plain object is accepted, because a promise would look like an object without options.
  const kind = classOf(given);
  if (kind !== 'Object' && (names || Object(given) !== given || /Array|Function/.test(kind)))
    throw new UsageError(`${where}: expected an object, got ${shown(given)}`);
  for (const name in names && options) {
    const value: unknown = options[name as keyof T];
    const wanted = !names!.includes(name)
      ? `one of the options ${names!.join(', ')}`
      : name === 'signal'
        ? !(value as Partial<AbortSignalLike> | null)?.addEventListener && 'an AbortSignal'
        : /^on[A-Z]/.test(name) && typeof value !== 'function' && 'a function';
    if (wanted && value !== undefined)
      throw new UsageError(`${where}.${name}: expected ${wanted}, got ${shown(value)}`);
  }
  return options;
}

/** A list of untyped callers, whose members must be objects. Throws UsageError for anything else. */
export function listOf<T extends object>(where: string, list: readonly T[]): readonly T[] {
  const given: unknown = list;
  if (!Array.isArray(given)) throw new UsageError(`${where}: expected a list, got ${shown(given)}`);
  const odd = given.findIndex((one) => Object(one) !== one);
  if (odd !== -1) throw new UsageError(`${where}.${odd}: expected an object, got ${shown(given[odd])}`);
  return list;
}

/** Throws UsageError unless `value` is one of `names`, or undefined. */
export function oneOf(where: string, value: unknown, names: readonly unknown[]): void {
  if (value !== undefined && !names.includes(value))
    throw new UsageError(`${where}: expected one of ${names.join(', ')}, got ${shown(value)}`);
}
