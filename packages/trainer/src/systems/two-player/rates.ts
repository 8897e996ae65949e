// How the learning rates of a game fall over its run.
import { constantRate, cosineDecay, linearDecay, type Schedule } from '../../schedules/index.js';
import type { PlayerOptions } from './options.js';

/** The schedule of a rate: constant, or falling to a tenth over the run. */
export function scheduled(kind: PlayerOptions['schedule'], rate: number, steps: number): Schedule {
  const made: Record<PlayerOptions['schedule'], () => Schedule> = {
    constant: () => constantRate(rate),
    linear: () => linearDecay(rate, rate / 10, steps),
    cosine: () => cosineDecay(rate, rate / 10, steps),
  };
  return made[kind]();
}
