// Clips gradients before the optimizer uses them: all of a network's gradients together by their common norm (Pascanu
// et al. 2013), or each number by itself.
import { shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/**
 * Gradients scaled so that the norm of all together is at most `most`: g·min(1, most / ‖g‖).
 * @throws UsageError `input.range` for a bound that is not above 0.
 */
export function clipByGlobalNorm(gradients: readonly tf.Tensor[], most: number): tf.Tensor[] {
  refuseBound('clipByGlobalNorm', most);
  const norm = globalNorm(gradients);
  const scale = tf.div(most, tf.maximum(norm, most));
  return gradients.map((gradient) => tf.mul(gradient, scale));
}

/**
 * Gradients with every number clipped to [−most, most].
 * @throws UsageError `input.range` for a bound that is not above 0.
 */
export function clipGradients(gradients: readonly tf.Tensor[], most: number): tf.Tensor[] {
  refuseBound('clipGradients', most);
  return gradients.map((gradient) => tf.clipByValue(gradient, -most, most));
}

/** √Σ‖g‖² over all tensors. */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (!Array.isArray(tensors)) throw new UsageError(`globalNorm: expected a list of tensors, got ${shown(tensors)}`);
  return tf.sqrt(tf.addN((tensors as readonly tf.Tensor[]).map((tensor) => tf.sum<tf.Scalar>(tf.square(tensor)))));
}

function refuseBound(where: string, most: number): void {
  if (!(Number.isFinite(most) && most > 0))
    throw new UsageError(`${where}: expected a finite number above 0, got ${shown(most)}`, { code: 'input.range' });
}
