// Helpers of a step: networks in training mode, and scalars for the log.
import * as tf from '@tensorflow/tfjs';
import type { Phase } from '../phase.js';

/** Inputs of a step by name. */
export type Inputs = Readonly<Record<string, tf.Tensor>>;

/** Keeps a scalar for the log; returns a copy that lives until the end of the step. */
export type Keep = (name: string, value: tf.Tensor) => tf.Tensor;

/** Applies a network in training mode and returns its outputs as a list. Networks with a second input get `second`. */
export function applied(model: tf.LayersModel, first: tf.Tensor, second: tf.Tensor | undefined): tf.Tensor[] {
  const given = model.inputs.length > 1 && second !== undefined ? [first, second] : first;
  return [model.apply(given, { training: true }) as tf.Tensor | tf.Tensor[]].flat(); // concrete inputs give tensors
}

/** Share of logits above 0, [0, 1]. */
export function shareAbove(logits: tf.Tensor): tf.Tensor {
  return tf.mean(tf.cast(tf.greater(logits, 0), 'float32'));
}

/** The sum of one or more scalars. */
export function sumOf(terms: readonly tf.Scalar[]): tf.Scalar {
  const [first, ...rest] = terms;
  return rest.length === 0 && first !== undefined ? first : tf.addN([...terms]);
}

/**
 * A step that returns the scalars that `work` keeps, including those kept inside a gradient function, whose tensors
 * tfjs otherwise disposes.
 */
export function collecting(work: (inputs: Inputs, keep: Keep) => void): Phase['step'] {
  return (inputs) => {
    const kept: Record<string, tf.Tensor> = {};
    work(inputs, (name, value) => (kept[name] = tf.keep(tf.clone(value))));
    return Object.fromEntries(
      Object.entries(kept).map(([name, value]) => {
        const returned = tf.clone(value);
        value.dispose();
        return [name, returned];
      }),
    );
  };
}
