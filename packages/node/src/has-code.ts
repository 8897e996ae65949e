// Checks the `code` of Node's errors.

/** Whether `error` is one of Node's with this code. Not by `instanceof`: in vm contexts it is of another realm. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
