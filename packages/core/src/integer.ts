// The check for integer arguments.
import { UsageError } from './errors.js';
import { shown } from './shown.js';

/** Throws `input.range` unless `value` is an integer from `low` to `high`. */
export function checkInteger(
  where: string,
  value: unknown,
  low: number,
  high: number,
  wayOut = '',
): asserts value is number {
  if (!(Number.isInteger(value) && (value as number) >= low && (value as number) <= high)) {
    throw new UsageError(`${where}: expected an integer from ${low} to ${high}, got ${shown(value)}${wayOut}`, {
      code: 'input.range',
    });
  }
}
