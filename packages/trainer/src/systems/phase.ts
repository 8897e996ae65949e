// A phase: one graph of the game, run a fixed number of times per iteration. CONTRACT.
import type { Tensor, TensorSpec } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { StepFunction, StepOptions } from '../compile/step.js';

/** Where an input of a phase, or of a preview, comes from. */
export type Source =
  /**
   * A field of the data set; each run takes its own batch, one example per row of the input. `holdout`: from the
   * examples kept out of training, for a probe.
   */
  | { data: string; holdout?: boolean }
  /** Random numbers that depend on (seed, phase, run, input). `p`: probability of a one, for `bernoulli`. */
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
  /** Also part of the names of its random streams, so a phase of another name gets other random numbers. */
  readonly name: string;
  /** It runs in iterations whose number (from 0) is a multiple of this. Default 1. */
  readonly every?: number;
  /** The first iteration that it runs in. Default 0. */
  readonly from?: number;
  /** It stops before this iteration. Default: never. */
  readonly until?: number;
  /** How often it runs in an iteration, each time with its own batch and random numbers. Default 1. */
  readonly repeat?: number;
  readonly inputs: Readonly<Record<string, PhaseInput>>;
  /**
   * The update, as a plain tfjs function. The scalars it returns are columns of the log; two phases of one iteration
   * must not return the same name.
   */
  readonly step: StepFunction;
}

/**
 * The number, over the whole training, of run `index` of a phase in iteration `step`. Its batch and random numbers
 * depend on this alone, so resuming needs only the iteration.
 */
export function runOf({ every = 1, repeat = 1 }: Phase, step: number, index: number): number {
  return Math.floor(step / every) * repeat + index;
}

/** Runs of a phase in iteration `step`. */
export function runsIn({ every = 1, repeat = 1, from = 0, until = Infinity }: Phase, step: number): number {
  return step % every === 0 && step >= from && step < until ? repeat : 0;
}

/** True if the step draws the input itself, from (seed, run, `<phase>/<input>`), instead of being fed. */
export function isDrawn(source: Source): source is { random: 'normal' | 'uniform' | 'bernoulli' } {
  return 'random' in source && source.random !== 'int' && source.p === undefined;
}

/** A phase as an argument of `compile`, `compileAll` and `eagerStep`, without the seed. Default: the first phase. */
export function phaseStep(
  { phases, variables }: { readonly phases: readonly Phase[]; readonly variables: readonly tf.Variable[] },
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
