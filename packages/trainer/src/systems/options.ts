// Parses a system's options from untyped values: checked by its schema, with defaults filled in.
import { refuseReserved, UsageError } from '@forja/core';
import * as v from 'valibot';
import { lineOf } from '../issues.js';
import type { OptionEntries, OptionsOf, SystemKind } from './kind.js';

/**
 * Options of `kind` with defaults.
 * @throws UsageError `config.invalid` with a line for each wrong option.
 */
export function systemOptions<E extends OptionEntries>(
  kind: SystemKind<E>,
  given: Readonly<Record<string, unknown>>,
): OptionsOf<E> {
  refuseReserved(kind.name, given, 'config.invalid');
  const result = v.safeParse(v.strictObject(kind.options), defined(given));
  if (result.success) return defined(result.output) as OptionsOf<E>; // the same options without absent ones
  throw new UsageError(result.issues.map((issue) => lineOf(kind.name, issue)).join('\n'), { code: 'config.invalid' });
}

/** The object without keys whose value is undefined, as `exactOptionalPropertyTypes` requires. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  }; // the same keys without absent ones
}
