// Formats a value for messages so that its type is visible: '7' is a string, 7 a number, 7n a bigint. Short, because
// every page loads it; issue-line.ts also describes the content of lists and objects.

/** Longer texts are cut. */
const LONGEST = 120;

/** The built-in class of a value: 'Float32Array', 'ArrayBuffer', 'URL', 'Null'. A Node Buffer is a 'Uint8Array'. */
export function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Texts in quotes, NaN and infinity by name, objects by their class. */
export function shown(value: unknown): string {
  const kind = typeof value;
  if (kind === 'string') return `'${(value as string).slice(0, LONGEST)}'`;
  if (kind === 'bigint') return `${value as bigint}n`;
  if (kind === 'function' || (kind === 'object' && value)) return classOf(value);
  return String(value === undefined ? 'nothing' : value);
}
