// The matcher toBeAllclose: |received - expected| ≤ atol + rtol·|expected| for each element, as in NumPy. NaN equals
// NaN, infinities equal themselves. Lengths must match. A failure names the worst element.
import 'vitest';

/** An array or any typed array of numbers. */
export type Numbers = ArrayLike<number> & Iterable<number>;

/** Tolerances; both default to 0, so a test states the one it means. */
export interface Allclose {
  /** Allowed difference as a fraction of the expected value. */
  rtol?: number;
  /** Allowed difference in the values' own unit. */
  atol?: number;
}

declare module 'vitest' {
  interface Matchers<T> {
    /** Passes when each |received - expected| ≤ atol + rtol·|expected|. */
    toBeAllclose(expected: Numbers, tolerance?: Allclose): T;
    /**
     * Passes if a function throws, or after `rejects` a promise rejects, with this error code and a message that
     * contains all of these names: fields, paths and values, not English.
     */
    toRefuse(code: string, ...named: (string | RegExp)[]): T;
  }
}

/** Compares two arrays; the message has the number of differing elements and the worst one. */
export function compareAllclose(
  received: Numbers,
  expected: Numbers,
  { rtol = 0, atol = 0 }: Allclose,
): { pass: boolean; message: string } {
  if (received.length !== expected.length)
    return { pass: false, message: `toBeAllclose: expected ${expected.length} numbers, got ${received.length}` };
  let off = 0;
  let worst = { index: -1, excess: -Infinity };
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(received[i]), Number(expected[i])];
    if (Object.is(a, b) || a === b) continue;
    const excess = Math.abs(a - b) - (atol + rtol * Math.abs(b));
    if (excess <= 0) continue;
    off++;
    const rank = Number.isNaN(excess) ? Infinity : excess;
    if (rank > worst.excess) worst = { index: i, excess: rank };
  }
  const { index } = worst;
  const [a, b] = [received[index], expected[index]];
  return {
    pass: off === 0,
    message: `toBeAllclose: ${off} of ${expected.length} numbers are off; worst at [${index}]: expected ${b}, got ${a} (difference ${Math.abs(Number(a) - Number(b))}, rtol ${rtol}, atol ${atol})`,
  };
}

/** What is wrong with a refusal: another code, or a missing name; undefined if it is right. */
export function refusalFault(error: unknown, code: string, named: readonly (string | RegExp)[]): string | undefined {
  if (!(error instanceof Error)) return `toRefuse: expected an error with code '${code}', got ${String(error)}`;
  const { code: found, message } = error as Error & { code?: unknown };
  if (found !== code) return `toRefuse: expected code '${code}', got '${String(found)}': ${message}`;
  const missing = named.find((name) => (typeof name === 'string' ? !message.includes(name) : !name.test(message)));
  return missing === undefined
    ? undefined
    : `toRefuse: expected a message that names ${String(missing)}, got: ${message}`;
}
