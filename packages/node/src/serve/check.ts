// Validates external values against a schema. Reports one mistake with its path, without repeating the rest of the
// value.
import { describeValue, issueLine, refuseReserved, UsageError } from '@forja/core';
import * as v from 'valibot';

/** `value`, validated by the schema. Throws `usage`: `where.path: expected X, got Y`. */
export function checked<S extends v.GenericSchema>(where: string, schema: S, value: unknown): v.InferOutput<S> {
  // valibot treats a list as an object without fields
  if (schema.type === 'strict_object' && Array.isArray(value))
    throw new UsageError(`${where}: expected an object, got a list`);
  if (schema.type === 'strict_object') refuseReserved(where, value);
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw new UsageError(issueLine(where, result.issues[0], { describe: brief }));
}

/** Parses the JSON of a body. Throws `usage`. */
export function parseJson(where: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    throw new UsageError(`${where}: expected JSON in UTF-8, got something else`);
  }
}

/** Requests may be large and private, so for lists and objects only the kind is named. */
function brief(value: unknown): string {
  return Array.isArray(value)
    ? 'a list'
    : typeof value === 'object' && value !== null
      ? 'an object'
      : describeValue(value);
}
