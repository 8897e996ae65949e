// Fields that schema checks skip without a word: valibot ignores an object's own `constructor`, `prototype` and
// `__proto__`, so what a caller writes there would have no effect.
import { UsageError } from './errors.js';
import { classOf } from './shown.js';

const RESERVED: ReadonlySet<string> = new Set(['constructor', 'prototype', '__proto__']);

/** Throws UsageError with a line for each such field of a plain object, at any depth. `where`: the value's name. */
export function refuseReserved(where: string, value: unknown, code: 'usage' | 'config.invalid' = 'usage'): void {
  const found = reservedIn(where, value, new Set());
  if (found.length > 0)
    throw new UsageError(found.map((path) => `${path}: expected no such field; fix its name or remove it`).join('\n'), {
      code,
    });
}

function reservedIn(where: string, value: unknown, seen: Set<unknown>): string[] {
  if (seen.has(value) || !isPlain(value)) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([name, inner]) =>
    RESERVED.has(name) ? [`${where}.${name}`] : reservedIn(`${where}.${name}`, inner, seen),
  );
}

/** Lists and plain objects of any realm; not models, runtimes and other objects of a class. */
function isPlain(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  if (classOf(value) !== 'Object') return false;
  const parent = Object.getPrototypeOf(value) as object | null;
  return parent === null || Object.getPrototypeOf(parent) === null;
}
