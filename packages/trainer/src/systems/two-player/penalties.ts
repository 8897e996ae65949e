// The penalties of a configuration, with their weights and how often they are applied; and the random numbers they
// draw.
import { lossOf, smoothed } from '../../losses/index.js';
import { penaltyOf, type Penalty, type PenaltyOf } from '../../penalties/index.js';
import { random } from '../../trace/random.js';
import { defined } from '../options.js';
import type { PlayerOptions } from './options.js';

/** A penalty in a game. */
export interface Weighed {
  readonly name: string;
  readonly penalty: Penalty;
  readonly weight: number;
  /** Iterations from one application to the next. */
  readonly every: number;
}

/** Penalties by name as a list, in the order written; those of weight 0 are left out. */
export function penaltiesOf(options: PlayerOptions['penalties']): Weighed[] {
  return Object.entries(options).flatMap(([name, given]) => {
    const { weight, every = 1, ...rest } = typeof given === 'number' ? { weight: given } : given;
    return weight === 0 ? [] : [{ name, weight, every, penalty: penaltyOf(name, defined(rest)) }];
  });
}

/**
 * Refuses losses and penalties that do not fit each other, before networks are made.
 * @throws UsageError `config.invalid`.
 */
export function checkPlayers({ loss, labelSmoothing, penalties }: PlayerOptions): void {
  smoothed(lossOf(loss), { real: labelSmoothing });
  penaltiesOf(penalties);
}

/** Random numbers of a step by name, apart from other penalties'. */
export function drawsOf(penalty: string): PenaltyOf['draw'] {
  return {
    uniform: (name, shape) => random.uniform(shape, `${penalty}/${name}`),
    normal: (name, shape) => random.normal(shape, `${penalty}/${name}`),
  };
}
