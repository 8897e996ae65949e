// A phase: one graph of the game, run a fixed number of times an iteration. CONTRACT.
import type { Tensor, TensorSpec } from '@forja/core';
import type { StepFunction, StepOptions } from '../compile/step.js';
import type { GanSystem } from './system.js';

/** Where an input of a phase, or of a preview, comes from. */
export type Source =
  /**
   * A field of the data set; each run takes its own batch of as many examples as the input has rows. `holdout`: of the
   * examples that are kept out of training, for a probe.
   */
  | { data: string; holdout?: boolean }
  /** Numbers of (seed, phase, run, input). `p`: probability of a one, for `bernoulli`. */
  | { random: 'normal' | 'uniform' | 'bernoulli'; p?: number }
  /** Whole numbers `from` … `below` − 1. */
  | { random: 'int'; from: number; below: number }
  /** A scalar of the system's `schedules`, at the iteration. */
  | { schedule: string }
  | { fixed: Tensor };

/** An input of a phase: a concrete shape, and a source. */
export interface PhaseInput {
  readonly shape: readonly number[];
  /** Default `float32`. */
  readonly dtype?: 'float32' | 'int32';
  readonly from: Source;
}

/** One step of the game, over state that all phases share. */
export interface Phase {
  /** Part of the streams of its random numbers: another name draws other numbers. */
  readonly name: string;
  /** Runs in iterations whose number (from 0) is a multiple. Default 1. */
  readonly every?: number;
  /** The first iteration that it runs in. Default 0. */
  readonly from?: number;
  /** It runs before this iteration only. Default: to the end. */
  readonly until?: number;
  /** Runs an iteration, one after another, each with its own batch and numbers. Default 1. */
  readonly repeat?: number;
  readonly inputs: Readonly<Record<string, PhaseInput>>;
  /**
   * The update, as a plain tfjs function. The scalars it returns are columns of the log; no two phases of one iteration
   * share a name.
   */
  readonly step: StepFunction;
}

/**
 * The number of a phase's run `repeat` in iteration `step`, counted over the whole training: what its batch and its
 * random numbers depend on. A resumed run needs nothing but the iteration to go on.
 */
export function runOf({ every = 1, repeat = 1 }: Phase, step: number, index: number): number {
  return Math.floor(step / every) * repeat + index;
}

/** Runs of a phase in iteration `step`. */
export function runsIn({ every = 1, repeat = 1, from = 0, until = Infinity }: Phase, step: number): number {
  return step % every === 0 && step >= from && step < until ? repeat : 0;
}

/** Whether a source is filled where the step is run, by (seed, run, `<phase>/<input>`), and not fed. */
export function isDrawn(source: Source): source is { random: 'normal' | 'uniform' | 'bernoulli' } {
  return 'random' in source && source.random !== 'int' && source.p === undefined;
}

/** A phase as `compile`, `compileAll` and `eagerStep` take it, but for the seed. Default: the system's first phase. */
export function phaseStep(
  { phases, variables }: Pick<GanSystem, 'phases' | 'variables'>,
  phase: Phase | undefined = phases[0],
): StepOptions & { step: StepFunction; name: string } {
  if (phase === undefined) throw new Error('phaseStep: expected a system with phases');
  const inputs = Object.entries(phase.inputs).map(
    ([name, { shape, dtype = 'float32', from }]): [string, TensorSpec] => [
      name,
      { dtype, shape: [...shape], ...(isDrawn(from) ? { random: from.random } : {}) },
    ],
  );
  return { step: phase.step, inputs: Object.fromEntries(inputs), variables, name: phase.name };
}
