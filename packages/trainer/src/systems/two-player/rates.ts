// Decay of a game's learning rates over its run.
import { schedule, type Schedule } from '../../schedules/index.js';
import type { PlayerOptions } from './options.js';

/** The schedule of a rate: constant, or falling to a tenth over the run. */
export function scheduled(kind: PlayerOptions['schedule'], rate: number, steps: number): Schedule {
  return schedule({ kind }, { value: rate, steps });
}
