// Random numbers for functions that run eagerly and traced alike. Eager: drawn from (seed, step) by the counter-based
// generator. Traced: a graph input that the executor fills the same way, so a compiled step, an eager one and a resumed
// one see the same numbers.
import { UsageError, philoxBernoulli, philoxNormal, philoxUniform } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { ProgramInput } from '../program/program.js';
import { activeTrace } from './span.js';

type Random = NonNullable<ProgramInput['random']>;

/** Where eager random numbers come from. */
export interface RandomPosition {
  seed: number | bigint;
  /** The training step. Other steps give other numbers. */
  step: number;
  /** Stream of the first draw. A step whose first k inputs are random continues at k. Default 0. */
  stream?: number;
}

let position: Required<RandomPosition> | undefined;

/**
 * Runs `fn` with a place to draw from: its i-th call of `random.*` gets stream `stream + i` of (seed, step), as the
 * i-th random input of the same function does when it is compiled. Synchronous; may be nested, each with a place of its
 * own.
 */
export function withRandom<T>(at: RandomPosition, fn: () => T): T {
  const outer = position;
  position = { stream: 0, ...at };
  try {
    return fn();
  } finally {
    position = outer;
  }
}

/** The numbers of one random input: `count` float32 values of (seed, step, stream). */
export function drawRandom(random: Random, at: Required<RandomPosition>, count: number): Float32Array {
  return random.distribution === 'normal'
    ? philoxNormal(at, count)
    : random.distribution === 'uniform'
      ? philoxUniform(at, count)
      : philoxBernoulli(at, count, random.p ?? 0.5);
}

function draw(shape: readonly number[], distribution: Random): tf.Tensor {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new UsageError(
        `random.${distribution.distribution}: expected a shape of whole numbers, got [${shape.join(', ')}]`,
      );
  }
  const traced = activeTrace();
  if (traced !== undefined)
    return traced.tensor(traced.recorder.random({ shape: [...shape], dtype: 'float32' }, distribution));
  if (position === undefined) {
    throw new UsageError(
      `random.${distribution.distribution}: expected a seed and a step, got neither; call it in a function given to compile(), or in withRandom({ seed, step }, () => …)`,
    );
  }
  const values = drawRandom(distribution, position, tf.util.sizeFromShape([...shape]));
  position.stream++;
  return tf.tensor(values, [...shape], 'float32');
}

/** Random tensors: drawn from (seed, step) eagerly, inputs of the graph in a traced function. float32. */
export const random: {
  /** Standard normal numbers. */
  normal: (shape: readonly number[]) => tf.Tensor;
  /** Uniform numbers from [0, 1). */
  uniform: (shape: readonly number[]) => tf.Tensor;
  /** Ones with probability `p`, else zeros. */
  bernoulli: (shape: readonly number[], p: number) => tf.Tensor;
} = {
  normal: (shape) => draw(shape, { distribution: 'normal' }),
  uniform: (shape) => draw(shape, { distribution: 'uniform' }),
  bernoulli: (shape, p) => {
    if (!(p >= 0 && p <= 1))
      throw new UsageError(`random.bernoulli: expected a probability from 0 to 1, got ${p}`, { code: 'input.range' });
    return draw(shape, { distribution: 'bernoulli', p });
  },
};
