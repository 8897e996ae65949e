// Random numbers for functions that run both eagerly and traced. Eager: drawn from (seed, step) by the counter-based
// generator. Traced: a graph input that the executor fills from the same streams. So compiled, eager and resumed steps
// see the same numbers.
import { UsageError, philoxBernoulli, philoxNormal, philoxUniform, streamOf, shown } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { ProgramInput } from '../program/program.js';
import { override, type Engine } from '../tfjs/engine.js';
import { insideDropout } from '../tfjs/scopes.js';
import { synchronous } from '../tfjs/promises.js';
import { duplicateDraw } from './recorder.js';
import { activeTrace } from './span.js';

type Random = NonNullable<ProgramInput['random']>;

/** Where eager random numbers come from. */
export interface RandomPosition {
  seed: number | bigint;
  /** The training step. Each step gives different numbers. */
  step: number;
  /**
   * Stream of the first draw. If the step has k random inputs, they use streams 0 to k − 1, so its draws start at
   * stream k. Default 0. Unused with `name`.
   */
  stream?: number;
  /**
   * If given, each stream is derived from a name, `<name>/<draw>`, so that adding a draw does not change the numbers of
   * the others.
   */
  name?: string;
}

/** A position, and the draws made from it so far. */
interface Place extends RandomPosition {
  drawn: number;
  names: Set<string>;
}

let position: Place | undefined;

/**
 * Runs `fn` with a random position: its i-th call of `random.*` gets stream `stream + i` of (seed, step), as the i-th
 * random input of the same function does when it is compiled. Dropout draws like `random.uniform`. May be nested, each
 * level with its own position. Throws UsageError if `fn` is asynchronous.
 */
export function withRandom<T>(at: RandomPosition, fn: () => T): T {
  const outer = position;
  position = { ...at, drawn: 0, names: new Set() };
  const undo = outer === undefined ? ownDropout() : undefined;
  try {
    return synchronous('withRandom', fn());
  } finally {
    undo?.();
    position = outer;
  }
}

/** Replaces the uniform numbers that tfjs's dropout draws in JavaScript with ours, as in a trace. */
function ownDropout(): () => void {
  return override(
    tf.engine(),
    'makeTensor',
    (original) =>
      function (this: Engine, values, shape, dtype, backend) {
        const own = activeTrace() === undefined && insideDropout();
        return original.call(
          this,
          own ? next({ distribution: 'uniform' }, values.length, undefined) : values,
          shape,
          dtype,
          backend,
        );
      },
  );
}

/** The numbers of one random input: `count` float32 values of (seed, step, stream). */
export function drawRandom(
  random: Random,
  at: { seed: number | bigint; step: number; stream: number },
  count: number,
): Float32Array {
  return random.distribution === 'normal'
    ? philoxNormal(at, count)
    : random.distribution === 'uniform'
      ? philoxUniform(at, count)
      : philoxBernoulli(at, count, random.p ?? 0.5);
}

/** The stream of the random input or draw called `draw` in a named step. */
export const namedStream = (step: string, draw: string): number => streamOf(`${step}/${draw}`);

function draw(shape: readonly number[], distribution: Random, name: string | undefined): tf.Tensor {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new UsageError(
        `random.${distribution.distribution}: expected a shape of whole numbers, got [${shape.join(', ')}]`,
      );
  }
  const traced = activeTrace();
  if (traced !== undefined)
    return traced.tensor(traced.recorder.random({ shape: [...shape], dtype: 'float32' }, distribution, name));
  return tf.tensor(next(distribution, tf.util.sizeFromShape([...shape]), name), [...shape], 'float32');
}

/** The numbers of the next draw. */
function next(distribution: Random, count: number, name: string | undefined): Float32Array {
  if (position === undefined) {
    throw new UsageError(
      `random.${distribution.distribution}: expected a seed and a step, got neither; call it inside a compiled ` +
        'step or inside withRandom({ seed, step }, () => …)',
    );
  }
  const { seed, step, name: of, names } = position;
  const called = name ?? `random_${position.drawn}`;
  if (names.has(called)) throw duplicateDraw(called);
  names.add(called);
  const stream = of === undefined ? (position.stream ?? 0) + names.size - 1 : namedStream(of, called);
  if (name === undefined) position.drawn++;
  return drawRandom(distribution, { seed, step, stream }, count);
}

/**
 * Random float32 tensors: drawn from (seed, step) eagerly, graph inputs in a traced function. In a step that has a
 * name, the numbers of a draw with a `name` do not depend on how many other draws the step makes.
 */
export const random: {
  /** Standard normal numbers. */
  normal: (shape: readonly number[], name?: string) => tf.Tensor;
  /** Uniform numbers from [0, 1). */
  uniform: (shape: readonly number[], name?: string) => tf.Tensor;
  /** Ones with probability `p`, else zeros. */
  bernoulli: (shape: readonly number[], p: number, name?: string) => tf.Tensor;
} = {
  normal: (shape, name) => draw(shape, { distribution: 'normal' }, name),
  uniform: (shape, name) => draw(shape, { distribution: 'uniform' }, name),
  bernoulli: (shape, p, name) => {
    if (!(p >= 0 && p <= 1))
      throw new UsageError(`random.bernoulli: expected a probability from 0 to 1, got ${shown(p)}`, {
        code: 'input.range',
      });
    return draw(shape, { distribution: 'bernoulli', p }, name);
  },
};
