// A schedule that decreases when a scalar of the run stops improving, like PyTorch's ReduceLROnPlateau, but on means
// over `every` steps.
import { optionsOf, shown, UsageError } from '@forja/core';
import { positive, whole } from './check.js';
import type { Schedule } from './schedule.js';

/** Options of {@link plateau}. */
export interface PlateauOptions {
  from: number;
  /** Name of the watched scalar: one in the log, such as `loss_g`, or another that the loop observes. */
  watch: string;
  /** What the number is multiplied by. Default 0.1. */
  factor?: number;
  /** Number of periods without an improvement before a decrease. Default 10. */
  patience?: number;
  /**
   * Number of steps in a period. The mean over each period is used; a period without values is ignored. Default 100.
   */
  every?: number;
  /** Whether less or more is better. Default `min`. */
  mode?: 'min' | 'max';
  /** Minimum improvement, as a share of the best so far. Default 1e-4. */
  threshold?: number;
  /** Lower bound. Default 0. */
  to?: number;
}

/**
 * `from`, multiplied by `factor` when `watch` has not improved for more than `patience` periods in a row.
 * @throws UsageError `config.invalid` for numbers out of range.
 */
export function plateau(options: PlateauOptions): Schedule {
  optionsOf('schedule.plateau', options, 'every factor from mode patience threshold to watch');
  const { from, watch, factor = 0.1, patience = 10, every = 100, mode = 'min', threshold = 1e-4, to = 0 } = options;
  for (const [field, value] of Object.entries({ from, factor, threshold, to })) positive(`plateau.${field}`, value);
  if (factor > 1)
    throw new UsageError(`schedule.plateau.factor: expected a number from 0 to 1, got ${shown(factor)}`, {
      code: 'config.invalid',
    });
  whole('plateau.patience', patience, 0);
  whole('plateau.every', every);
  if (typeof watch !== 'string' || watch === '')
    throw new UsageError(`schedule.plateau.watch: expected the name of a scalar of the log, got ${shown(watch)}`, {
      code: 'config.invalid',
    });
  let [value, bad, sum, seen] = [from, 0, 0, 0];
  let best: number | undefined;
  const judge = (mean: number): void => {
    const gain = best === undefined ? Infinity : (mean - best) * (mode === 'min' ? -1 : 1);
    if (gain > threshold * Math.abs(best ?? 0)) [best, bad] = [mean, 0];
    else bad++;
    if (bad > patience) [value, bad] = [Math.max(to, value * factor), 0];
  };
  return Object.assign(() => value, {
    memory: {
      every,
      watches: watch,
      observe: (step: number, values: Readonly<Record<string, number>>) => {
        const now = values[watch];
        if (now !== undefined) [sum, seen] = [sum + now, seen + 1];
        if (step % every !== 0 || seen === 0) return;
        judge(sum / seen);
        [sum, seen] = [0, 0];
      },
      save: () => [value, bad, sum, seen, ...(best === undefined ? [] : [best])],
      load: (saved: readonly number[]) => {
        [value = from, bad = 0, sum = 0, seen = 0, best] = saved;
      },
    },
  });
}
