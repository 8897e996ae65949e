// Schedules that depend on the step alone.
import { above0, positive, whole } from './check.js';
import type { Schedule } from './schedule.js';

/** The same number at every step. */
export function constantRate(rate: number): Schedule {
  positive('constant.from', rate);
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

/** Exponential decay from `from` to `to` at step `steps`, then constant. Both are above 0. */
export function exponentialDecay(from: number, to: number, steps: number): Schedule {
  above0('exponential.from', from);
  above0('exponential.to', to);
  whole('exponential.steps', steps);
  return (step) => from * (to / from) ** Math.min(1, step / steps);
}

/** Multiplied by `factor` after every `every` steps. */
export function stepDecay(rate: number, factor: number, every: number): Schedule {
  positive('step.from', rate);
  positive('step.factor', factor);
  whole('step.every', every);
  return (step) => rate * factor ** Math.floor(step / every);
}

/**
 * A linear rise over `steps` steps to the first value of `then`, which follows: its step 0 is step `steps`. The rise
 * starts at 1/(steps + 1) of that value, so no step has rate 0.
 */
export function warmUp(steps: number, then: Schedule): Schedule {
  whole('warmup', steps, 0);
  const rising = (step: number): number => (then(0) * (step + 1)) / (steps + 1);
  const warmed = (step: number): number => (step < steps ? rising(step) : then(step - steps));
  return then.memory === undefined ? warmed : Object.assign(warmed, { memory: then.memory });
}
