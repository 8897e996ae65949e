// Limits of a request. Every number has a bound, because a public service gets absurd requests sooner or later.
import { optionsOf, shown, UsageError } from '@forja/core';

/** Limits of a service. A request beyond one is refused before any work is done. */
export interface Limits {
  /** Maximum pictures in one answer, and rows of a tensor whose first size is dynamic. Default 64. */
  count: number;
  /** Maximum pixels of one answer. Default 2²², four megapixels. */
  pixels: number;
  /** Maximum bytes of a request's body. Default 16 MiB. */
  bodyBytes: number;
  /** Time limit for receiving a request's body, in milliseconds. Default 30,000. */
  bodyMs: number;
  /** Maximum requests waiting or running at once, for each model. Default 64. */
  queue: number;
}

const DEFAULTS: Limits = { count: 64, pixels: 2 ** 22, bodyBytes: 16 * 2 ** 20, bodyMs: 30_000, queue: 64 };
const MAXIMA: Limits = { count: 100_000, pixels: 2 ** 28, bodyBytes: 2 ** 30, bodyMs: 3_600_000, queue: 1_000_000 };

/** The limits, checked and with defaults. Throws `input.range`. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(optionsOf('serve.limits', given, 'bodyBytes bodyMs count pixels queue'))) {
    const most = MAXIMA[name as keyof Limits]; // checked above
    if (!(Number.isInteger(value) && value >= 1 && value <= most))
      throw new UsageError(`serve.limits.${name}: expected an integer from 1 to ${most}, got ${shown(value)}`, {
        code: 'input.range',
      });
  }
  return { ...DEFAULTS, ...given };
}
