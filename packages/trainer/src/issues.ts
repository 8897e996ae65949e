// What is wrong with a value from outside, in a line: `where.path: expected X, got Y`.
import type * as v from 'valibot';
import { nearest } from './nearest-name.js';

/** What a line may say beside what the schema does. */
export interface Words {
  /** What a missing field should hold, by its name. */
  required?: Readonly<Record<string, string>>;
  /** Names of fields at the top, for mistyped ones. */
  known?: readonly string[];
}

/** An issue as a line. */
export function lineOf(root: string, issue: v.BaseIssue<unknown>, words: Words = {}): string {
  const { required = {}, known = [] } = words;
  const deeper = (issue.issues ?? []).filter((i) => i.path !== undefined); // a union: what its best candidate says
  if (deeper[0])
    return lineOf(
      root,
      { ...deeper[0], path: [...(issue.path ?? []), ...(deeper[0].path ?? [])] } as v.BaseIssue<unknown>,
      words,
    ); // same shape, longer path
  const where = [root, ...(issue.path ?? []).map(({ key }) => String(key))].join('.');
  if (issue.kind === 'schema' && issue.type === 'strict_object' && issue.expected === 'never')
    return `${where}: expected no such field${
      nearest(String(issue.path?.at(-1)?.key), issue.path?.length === 1 ? known : []) || '; fix its name or remove it'
    }`;
  const missing =
    issue.type === 'strict_object' && issue.received === 'undefined'
      ? required[String(issue.path?.at(-1)?.key)]
      : undefined;
  if (missing) return `${where}: expected ${missing}, got nothing`;
  // a message of ours, not of valibot
  const own = issue.kind === 'validation' || issue.expected === null || !issue.message.startsWith('Invalid ');
  return `${where}: expected ${own ? issue.message : inWords(issue.expected ?? '')}, got ${shown(issue.input)}`;
}

/** What valibot expects, as `('a' | "b")`, `Array`, `number`. */
function inWords(expected: string): string {
  return expected
    .replaceAll('"', "'")
    .replace(/^\((.*)\)$/, '$1')
    .replaceAll(' | ', ' or ')
    .replaceAll('Object', 'an object')
    .replaceAll('Array', 'a list')
    .replace(/^(number|string|boolean)$/, 'a $1');
}

/** A value of unknown kind in few characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Promise) return 'a promise; await it first';
  if (typeof value === 'function') return `the function ${value.name}`.trim();
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'symbol') return String(value);
  const own =
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value.constructor as { name: string } | undefined)?.name
      : undefined;
  if (own !== undefined && own !== '' && own !== 'Object') return `a ${own}`;
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
