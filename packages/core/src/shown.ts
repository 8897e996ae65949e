// A value in a message, so that its type can be seen: '7' is a text, 7 a number, 7n a bigint.

/** Longer descriptions are cut. */
const LONGEST = 120;

/** Items of a list, or fields of an object, that are looked at. */
const MOST = 30;

/**
 * Describes any value in few characters: texts in quotes, NaN and infinity by name, plain objects and lists by what is
 * in them, others by their class.
 */
export function shown(value: unknown): string {
  const text = described(value, 2);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function described(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${plain(value.slice(0, LONGEST))}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return `the function ${value.name}`.trim();
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = <T>(items: readonly T[], of: (item: T) => string): string =>
    items.length > 0 && depth === 0 ? '…' : items.slice(0, MOST).map(of).join(', ');
  if (Array.isArray(value)) return `[${parts(value, (item: unknown) => described(item, depth - 1))}]`;
  const { name = 'Object' } = (value.constructor as { name?: string } | undefined) ?? {}; // made by Object.create(null)
  if (name === 'Promise') return 'a promise; await it first';
  if (name !== 'Object') return `a ${name}`;
  const fields = parts(Object.entries(value), ([key, item]) => `${plain(key)}: ${described(item, depth - 1)}`);
  return fields === '' ? '{}' : `{ ${fields} }`;
}

/** Without control characters, which could move a terminal's cursor; they are written as \x1b. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
