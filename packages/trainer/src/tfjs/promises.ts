// Handles promises that a traced function returns instead of tensors. They are refused, and therefore never awaited.
import { UsageError } from '@forja/core';

/**
 * Whether something is a promise, or an object that holds promises where tensors should be. Rejections are handled,
 * because Node ends the process for an unhandled one.
 */
export function holdsPromise(result: unknown): boolean {
  if (detectPromise(result)) return true;
  // Not into a tensor: its sizes would count as read by the user's code if that is in one file with this.
  if (typeof result !== 'object' || result === null || 'dataId' in result) return false;
  return Object.values(result).map(detectPromise).includes(true);
}

/** Duck-typed: promises may come from another realm or library. */
function detectPromise(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('then' in value) || typeof value.then !== 'function')
    return false;
  void Promise.resolve(value).catch(() => undefined);
  return true;
}

/**
 * The result of a function that must be synchronous. Throws UsageError for a promise: code after the function's first
 * `await` would run too late, for example after the trace has ended.
 */
export function synchronous<T>(where: string, result: T, isPromise = detectPromise(result)): T {
  if (isPromise)
    throw new UsageError(
      `${where}: expected a synchronous function, got one that returns a promise; await before or after it, not inside`,
    );
  return result;
}
