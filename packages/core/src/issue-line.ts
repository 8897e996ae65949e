// Formats an issue of a schema check (valibot's) as a line: `where.path: expected X, got Y`. The issue's type is
// declared here, so that core does not depend on valibot.
import { shown } from './shown.js';

/** The part of valibot's `BaseIssue` that a line needs. */
export interface SchemaIssue {
  readonly kind: string;
  readonly type: string;
  readonly expected: string | null;
  readonly received: string;
  readonly message: string;
  readonly input: unknown;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
  /** For a union: the issues of its candidates. */
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** Additional information for a line. */
export interface IssueWords {
  /** Descriptions of missing fields, by name. */
  required?: Readonly<Record<string, string>>;
  /** A correction for an unknown field, such as `; did you mean 'x'?`, or ''. `depth`: 1 for a top-level field. */
  suggest?: (name: string, depth: number) => string;
  /** Describes the value found. Default {@link describeValue}. */
  describe?: (value: unknown) => string;
}

/** An issue as a line. */
export function issueLine(root: string, issue: SchemaIssue, words: IssueWords = {}): string {
  const { required = {}, suggest = () => '', describe = describeValue } = words;
  const path = issue.path ?? [];
  // A union lists the issues of all its candidates. The first one with a path is from a candidate whose outer type
  // matched, so it says the most.
  const inner = issue.issues?.find((one) => one.path !== undefined);
  if (inner) return issueLine(root, { ...inner, path: [...path, ...(inner.path ?? [])] }, words);
  const where = [root, ...path.map(({ key }) => cut(String(key)))].join('.');
  const name = String(path.at(-1)?.key);
  if (issue.kind === 'schema' && issue.type === 'strict_object' && issue.expected === 'never')
    return `${where}: expected no such field${suggest(name, path.length) || '; fix its name or remove it'}`;
  const missing = issue.type === 'strict_object' && issue.received === 'undefined' ? required[name] : undefined;
  if (missing) return `${where}: expected ${missing}, got nothing`;
  // Our own messages say what is expected; valibot's begin with "Invalid".
  const own = issue.kind === 'validation' || issue.expected === null || !issue.message.startsWith('Invalid ');
  return `${where}: expected ${own ? issue.message : inWords(issue.expected ?? '')}, got ${describe(issue.input)}`;
}

/** Valibot's notation of types, such as `("a" | "b")`, `Array` or `number`, in words. */
function inWords(expected: string): string {
  return expected
    .replaceAll('"', "'")
    .replace(/^\((.*)\)$/, '$1')
    .replaceAll(' | ', ' or ')
    .replaceAll('Object', 'an object')
    .replaceAll('Array', 'a list')
    .replace(/^(number|string|boolean)$/, 'a $1');
}

/** Maximum number of items of a list, or fields of an object, that are inspected. */
const MOST = 30;

/**
 * Describes any value in few characters: like {@link shown}, but lists and plain objects are described by their
 * content.
 */
export function describeValue(value: unknown): string {
  return plain(cut(described(value, 3)));
}

function described(value: unknown, depth: number): string {
  if (typeof value === 'function') return `the function ${value.name}`.trim();
  if (typeof value !== 'object' || value === null) return shown(value);
  const list = Array.isArray(value);
  // An object made by Object.create(null) has no constructor.
  const { name = 'Object' } = (value.constructor as { name?: string } | undefined) ?? {};
  if (name === '') return `a ${Object.prototype.toString.call(value).slice('[object '.length, -1)}`;
  if (name === 'Promise') return 'a promise; await it first';
  if (!list && name !== 'Object') return `a ${name}`;
  const items: [string, unknown][] = list
    ? value.slice(0, MOST).map((item: unknown) => ['', item])
    : Object.entries(value).slice(0, MOST);
  const inside = items
    .map(([key, item]) => `${list ? '' : `${key}: `}${depth > 1 ? described(item, depth - 1) : '…'}`)
    .join(', ');
  return list ? `[${inside}]` : inside === '' ? '{}' : `{ ${inside} }`;
}

/** The text with its control characters, which could move a terminal's cursor, replaced by escapes such as \x1b. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Longer texts are cut. */
const LONGEST = 120;

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
