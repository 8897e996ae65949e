// A network of a system: the user's own, or a new one with weights drawn from the seed.
import type * as tf from '@tensorflow/tfjs';
import { variablesOf } from '../tfjs/variables.js';
import { initialise } from '../models/initialise.js';
import type { Circumstances } from './kind.js';

/**
 * The network of a role: the user's own, unchanged, or else the result of `build()`, with kernels that are drawn with
 * the given standard deviation or are orthogonal.
 */
export function networkOf(
  { networks, seed }: Circumstances,
  role: string,
  build: () => tf.LayersModel,
  deviation: (shape: readonly number[]) => number,
  kernels: 'normal' | 'orthogonal' = 'normal',
): tf.LayersModel {
  const own = networks[role];
  if (own !== undefined) return own;
  const model = build();
  initialise(model, { seed, deviation, kernels });
  return model;
}

/** Disposes a system's variables except those of the user's own networks. */
export function disposeOwn(variables: readonly tf.Variable[], { networks }: Circumstances): void {
  const borrowed = new Set(Object.values(networks).flatMap(({ weights }) => variablesOf(weights)));
  for (const variable of variables) if (!borrowed.has(variable)) variable.dispose();
}
