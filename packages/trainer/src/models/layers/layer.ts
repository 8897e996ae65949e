// Helpers of the layers: reading the tensors and shapes that tfjs passes to a layer.
import { UsageError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';

/** Configuration of any layer. */
export interface LayerConfig {
  name?: string;
  trainable?: boolean;
}

/** The only tensor of a call. */
export function only(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  const [first] = Array.isArray(inputs) ? inputs : [inputs];
  if (first === undefined) throw new UsageError('layer: expected one tensor, got none', { code: 'input.shape' });
  return first;
}

/** The two tensors of a call. */
export function both(layer: string, inputs: tf.Tensor | tf.Tensor[]): [tf.Tensor, tf.Tensor] {
  const [first, second] = Array.isArray(inputs) ? inputs : [inputs];
  if (first === undefined || second === undefined)
    throw new UsageError(`${layer}: expected two tensors, got ${first === undefined ? 'none' : 'one'}`, {
      code: 'input.shape',
    });
  return [first, second];
}

/** The shape of a layer's only input. */
export function onlyShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
  // a shape holds numbers and nulls, a list of shapes holds lists
  return (Array.isArray(shape[0]) ? shape[0] : shape) as tf.Shape;
}

/** Size of the last axis. @throws UsageError if it is not known. */
export function lastOf(layer: string, shape: tf.Shape): number {
  const size = shape[shape.length - 1];
  if (size === null || size === undefined)
    throw new UsageError(`${layer}: expected a last axis of known size, got shape [${shape.join(', ')}]`, {
      code: 'input.shape',
    });
  return size;
}

/** True in a training call. */
export const isTraining = (kwargs: Record<string, unknown>): boolean => kwargs['training'] === true;
