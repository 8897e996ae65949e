// Checks the `code` of Node's errors.

/**
 * Whether `error` is an error of Node with this code. `instanceof` would fail in vm contexts, where Node's errors come
 * from another realm.
 */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
