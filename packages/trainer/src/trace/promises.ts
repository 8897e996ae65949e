// Promises that a traced function returns in place of tensors. They are refused; what becomes of them later is a
// consequence of that, and nobody waits for it.

/**
 * Whether something is a promise, or has promises in it where tensors should be. Their failures are heard, as Node ends
 * a process by one that nobody hears.
 */
export function letGo(result: unknown): boolean {
  if (hear(result)) return true;
  if (typeof result !== 'object' || result === null) return false;
  return Object.values(result).map(hear).includes(true);
}

/** By what it can do, not by class: promises may be another realm's, or another library's. */
function hear(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('then' in value) || typeof value.then !== 'function')
    return false;
  void Promise.resolve(value).catch(() => undefined);
  return true;
}
