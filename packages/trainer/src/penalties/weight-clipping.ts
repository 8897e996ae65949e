// Weight clipping, the first way to keep a Wasserstein critic smooth. Arjovsky et al. 2017, algorithm 1, line 7.
// Applied as an update after the optimizer's, not as a term of the loss.
import { shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Update } from '../optimizers/index.js';

/**
 * The variables' present values, clipped to [−bound, bound]. Assigns nothing.
 * @throws UsageError `config.invalid` for a bound that is not above 0.
 */
export function clipWeights(variables: readonly tf.Variable[], bound = 0.01): Update[] {
  return clipUpdates(
    variables.map((variable) => ({ variable, value: variable })),
    variables,
    bound,
  );
}

/**
 * The updates, with those of `variables` clipped to [−bound, bound]; updates of an optimizer's own state are not
 * clipped. Assigns nothing.
 * @throws UsageError `config.invalid` for a bound that is not above 0.
 */
export function clipUpdates(updates: readonly Update[], variables: readonly tf.Variable[], bound: number): Update[] {
  if (!(bound > 0))
    throw new UsageError(`clipWeights.bound: expected a number above 0, got ${shown(bound)}`, {
      code: 'config.invalid',
    });
  const weights = new Set(variables);
  return updates.map(({ variable, value }) => ({
    variable,
    value: weights.has(variable) ? tf.clipByValue(value, -bound, bound) : value,
  }));
}
