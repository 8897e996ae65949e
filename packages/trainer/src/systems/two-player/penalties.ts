// The penalties of a configuration: their weights, how often they are applied, and their random numbers.
import { UsageError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { FieldSpec } from '../../data/dataset.js';
import { lossOf, smoothed, type GanLoss } from '../../losses/index.js';
import { penaltyOf, type Penalty, type PenaltyOf } from '../../penalties/index.js';
import { random } from '../../trace/random.js';
import { defined } from '../options.js';
import { checkOptimizer } from './descent.js';
import type { PlayerOptions } from './options.js';
import { checkPace } from './pace.js';
import { scalarsOf, type Scalars } from './scalars.js';
import type { Inputs } from './step.js';

/** A penalty in a game. */
export interface Weighed {
  readonly name: string;
  readonly penalty: Penalty;
  /** Used if there is no schedule. */
  readonly weight: number;
  /** Number of iterations between applications. */
  readonly every: number;
}

/** Penalties as a list, in the configured order, without those whose weight is 0 and has no schedule. */
export function penaltiesOf(options: PlayerOptions['penalties'], { uses }: Partial<Scalars> = {}): Weighed[] {
  return Object.entries(options).flatMap(([name, given]) => {
    const { weight, every = 1, ...rest } = typeof given === 'number' ? { weight: given } : given;
    return weight === 0 && uses?.(name) !== true
      ? []
      : [{ name, weight, every, penalty: penaltyOf(name, defined(rest)) }];
  });
}

/**
 * Refuses options that contradict each other, before networks are made.
 * @throws UsageError `config.invalid`.
 */
export function checkPlayers(options: PlayerOptions): void {
  const scalars = scalarsOf(options, 1);
  penaltiesOf(options.penalties, scalars);
  lossIn(options, scalars, {});
  checkOptimizer(options);
  checkPace(options);
}

/**
 * Refuses penalties that need pictures, for other data.
 * @throws UsageError `config.invalid`.
 */
export function checkPictures(options: PlayerOptions, field: FieldSpec | undefined, from: string): void {
  const one = penaltiesOf(options.penalties, scalarsOf(options, 1)).find(({ penalty }) => penalty.pictures === true);
  if (one !== undefined && field?.shape.length !== 3)
    throw new UsageError(
      `config.penalties.${one.name}: expected pictures to augment, ` +
        `got points [${field?.shape.join(', ') ?? ''}] from ${from}; ` +
        'leave it out',
      { code: 'config.invalid' },
    );
}

/** The loss of a step, with the targets that the options set. */
export function lossIn(options: PlayerOptions, scalars: Scalars, inputs: Inputs): GanLoss {
  const random = (name: string): tf.Tensor | number =>
    // before a step there are no inputs: scalars with a schedule count as nonzero
    scalars.uses(name) ? scalars.of(inputs, name) || 0.5 : 0;
  return smoothed(lossOf(options.loss), {
    real: options.labelSmoothing,
    fake: options.labelSmoothingFake,
    noise: random('labelNoise'),
    flips: random('labelFlips'),
    uniform: drawsOf('labels').uniform,
  });
}

/** A penalty's random numbers by name, in its own streams. */
export function drawsOf(penalty: string): PenaltyOf['draw'] {
  return {
    uniform: (name, shape) => random.uniform(shape, `${penalty}/${name}`),
    normal: (name, shape) => random.normal(shape, `${penalty}/${name}`),
  };
}
