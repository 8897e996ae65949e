// Validates external values against a schema. Reports one mistake with its path, without repeating the rest of the
// value.
import { UsageError } from '@forja/core';
import * as v from 'valibot';

/** `value`, validated by the schema. Throws `usage`: `where.path: expected X, got Y`. */
export function checked<S extends v.GenericSchema>(where: string, schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw new UsageError(lineOf(where, result.issues[0]));
}

/** Parses the JSON of a body. Throws `usage`. */
export function parseJson(where: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    throw new UsageError(`${where}: expected JSON in UTF-8, got something else`);
  }
}

function lineOf(where: string, issue: v.BaseIssue<unknown>): string {
  const path = [where, ...(issue.path ?? []).map(({ key }) => short(String(key)))].join('.');
  if (issue.kind === 'schema' && issue.type === 'strict_object' && issue.expected === 'never')
    return `${path}: expected no such field; fix its name or remove it`;
  const expected = issue.kind === 'validation' ? issue.message : (issue.expected ?? issue.message).replaceAll('"', "'");
  const { input } = issue;
  const got =
    input === undefined
      ? 'nothing'
      : typeof input === 'object'
        ? input === null
          ? 'null'
          : Array.isArray(input)
            ? 'a list'
            : 'an object'
        : short(JSON.stringify(input));
  return `${path}: expected ${expected}, got ${got}`;
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
