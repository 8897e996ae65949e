// Schedules: pure functions of the step, from 0, to a rate. A rate is an input of the compiled step, so a schedule
// never needs a new graph.
import { UsageError } from '@forja/core';

/** A rate for each step, counted from 0. */
export type Schedule = (step: number) => number;

/** A schedule as plain data, for configs. `steps` is the length of the decay; after it the rate stays at `to`. */
export type ScheduleConfig =
  | { kind: 'constant'; rate: number }
  | { kind: 'linear'; from: number; to: number; steps: number }
  | { kind: 'cosine'; from: number; to: number; steps: number }
  | { kind: 'step'; rate: number; factor: number; every: number };

/** The same rate at every step. */
export function constantRate(rate: number): Schedule {
  positive('constant.rate', rate);
  return () => rate;
}

/** A straight line from `from` at step 0 to `to` at step `steps`, then constant. */
export function linearDecay(from: number, to: number, steps: number): Schedule {
  positive('linear.from', from);
  positive('linear.to', to);
  whole('linear.steps', steps);
  return (step) => from + (to - from) * Math.min(1, step / steps);
}

/** Half a cosine from `from` to `to` (Loshchilov and Hutter 2017, equation 5, without restarts), then constant. */
export function cosineDecay(from: number, to: number, steps: number): Schedule {
  positive('cosine.from', from);
  positive('cosine.to', to);
  whole('cosine.steps', steps);
  return (step) => to + 0.5 * (from - to) * (1 + Math.cos(Math.PI * Math.min(1, step / steps)));
}

/** Multiplied by `factor` after every `every` steps. */
export function stepDecay(rate: number, factor: number, every: number): Schedule {
  positive('step.rate', rate);
  positive('step.factor', factor);
  whole('step.every', every);
  return (step) => rate * factor ** Math.floor(step / every);
}

const MAKERS: { readonly [K in ScheduleConfig['kind']]: (config: Extract<ScheduleConfig, { kind: K }>) => Schedule } = {
  constant: ({ rate }) => constantRate(rate),
  linear: ({ from, to, steps }) => linearDecay(from, to, steps),
  cosine: ({ from, to, steps }) => cosineDecay(from, to, steps),
  step: ({ rate, factor, every }) => stepDecay(rate, factor, every),
};

/**
 * The schedule that a config describes.
 * @throws UsageError `config.invalid` for an unknown kind, a rate or factor that is not finite and ≥ 0, or a length
 * that is not a whole number ≥ 1.
 */
export function schedule<K extends ScheduleConfig['kind']>(config: Extract<ScheduleConfig, { kind: K }>): Schedule {
  const kind: K = config.kind;
  if (!Object.hasOwn(MAKERS, kind))
    throw new UsageError(`schedule.kind: expected one of ${Object.keys(MAKERS).join(', ')}, got '${String(kind)}'`, {
      code: 'config.invalid',
    });
  return MAKERS[kind](config);
}

function positive(where: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0))
    throw new UsageError(`schedule.${where}: expected a finite number ≥ 0, got ${value}`, { code: 'config.invalid' });
}

function whole(where: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1))
    throw new UsageError(`schedule.${where}: expected a whole number ≥ 1, got ${value}`, { code: 'config.invalid' });
}
