// The scalars of a game that may follow a schedule: rates, weights of penalties and other terms, strengths of noise. A
// scalar without a schedule is a constant of the graph.
import { UsageError, nearest, shown } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { schedule, type Schedule, type ScheduleConfig } from '../../schedules/index.js';
import type { PhaseInput } from '../phase.js';
import type { PlayerOptions } from './options.js';
import type { Inputs } from './step.js';

/** Scalars of a game by their name in `schedules` of a configuration. */
export interface Scalars {
  /** Schedules by their name in sources and the log. Penalties' weights are `weight_<penalty>`. */
  readonly schedules: Readonly<Record<string, Schedule>>;
  /** True if a scalar is not 0 or follows a schedule. */
  uses(name: string): boolean;
  /** The phase inputs for those of the named scalars that follow a schedule. */
  inputs(...names: readonly string[]): Record<string, PhaseInput>;
  /** The scalar's value in a step. */
  of(inputs: Inputs, name: string): tf.Tensor | number;
}

/** Scalars that must be within 0..1. */
const SHARES: readonly string[] = ['ema', 'labelNoise', 'labelFlips'];

/** Values without a schedule, by name. Rates always have one. */
export function valuesOf(options: PlayerOptions): Record<string, number> {
  return {
    rate_g: options.rates.g,
    rate_d: options.rates.d,
    ema: options.ema,
    labelNoise: options.labelNoise,
    labelFlips: options.labelFlips,
    instanceNoise: options.instanceNoise,
    ...(options.featureMatching === undefined ? {} : { featureMatching: options.featureMatching.weight }),
    orthogonal_g: options.orthogonal.g,
    orthogonal_d: options.orthogonal.d,
    ...Object.fromEntries(
      Object.entries(options.penalties).map(([name, given]) => [
        name,
        typeof given === 'number' ? given : given.weight,
      ]),
    ),
  };
}

/**
 * The scalars of a game over `steps` iterations.
 * @throws UsageError `config.invalid` for a schedule of an unknown scalar.
 */
export function scalarsOf(options: PlayerOptions, steps: number): Scalars {
  const values = valuesOf(options);
  const asked: Record<string, ScheduleConfig> = {
    rate_g: { kind: options.schedule },
    rate_d: { kind: options.schedule },
    ...(options.schedules as Record<string, ScheduleConfig>), // the schema has checked them
  };
  const known = Object.keys(values);
  const made = Object.entries(asked).map(([name, config]): [string, Schedule] => {
    const value = values[name];
    if (value === undefined)
      throw new UsageError(
        `config.schedules.${name}: expected a scalar of this game (${known.join(', ')}), got ` +
          `'${name}'${nearest(name, known)}`,
        { code: 'config.invalid' },
      );
    const ends = Object.entries(config).filter(([field]) => field === 'from' || field === 'to');
    const over = ends.find(([, end]) => SHARES.includes(name) && Number(end) >= 1);
    if (over !== undefined)
      throw new UsageError(
        `config.schedules.${name}: expected numbers from 0 to below 1, got ${shown(over[1])} (${over[0]})`,
        { code: 'config.invalid' },
      );
    return [name, schedule(config, { value, steps })];
  });
  const following = new Set(made.map(([name]) => name));
  const logged = (name: string): string => (name in options.penalties ? `weight_${name}` : name);
  return {
    schedules: Object.fromEntries(made.map(([name, one]) => [logged(name), one])),
    uses: (name) => following.has(name) || (values[name] ?? 0) !== 0,
    inputs: (...names) =>
      Object.fromEntries(
        names
          .filter((name) => following.has(name))
          .map((name) => [logged(name), { shape: [], from: { schedule: logged(name) } }]),
      ),
    of: (inputs, name) => inputs[logged(name)] ?? values[name] ?? NaN,
  };
}
