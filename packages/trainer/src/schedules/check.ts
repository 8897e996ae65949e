// Checks of schedules' numbers.
import { shown, UsageError } from '@forja/core';

/** @throws UsageError `config.invalid` for a number that is not finite and ≥ 0. */
export function positive(where: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) throw outOfRange(where, 'a finite number ≥ 0', value);
}

/** @throws UsageError `config.invalid` for a number that is not finite and above 0. */
export function above0(where: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw outOfRange(where, 'a finite number above 0', value);
}

/** @throws UsageError `config.invalid` for a number that is not whole and at least `least`. */
export function whole(where: string, value: number, least = 1): void {
  if (!(Number.isInteger(value) && value >= least)) throw outOfRange(where, `a whole number ≥ ${least}`, value);
}

const outOfRange = (where: string, expected: string, got: unknown): UsageError =>
  new UsageError(`schedule.${where}: expected ${expected}, got ${shown(got)}`, { code: 'config.invalid' });
