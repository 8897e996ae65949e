// The norm of the discriminator's gradient at examples ("slope"), from which the penalties on that gradient are built.
import * as tf from '@tensorflow/tfjs';
import type { PenaltyOf } from './penalty.js';

/** Keeps the derivative of a root finite where a slope is 0 (a dead discriminator). A norm of 1 changes by 5e-13. */
const TINY = 1e-12;

/** ‖∇D(x)‖² of each example, [n]. The logits of a patch discriminator's map are summed. */
export function squaredSlopes(judge: PenaltyOf['judge'], x: tf.Tensor): tf.Tensor1D {
  const slope = tf.grad((at: tf.Tensor) => tf.sum(judge(at)))(x);
  return tf.sum(tf.square(slope), axesOf(x));
}

/** E(‖∇D(x)‖ − k)², or E max(0, ‖∇D(x)‖ − k)² to penalise only slopes above k. */
export function offTarget(judge: PenaltyOf['judge'], x: tf.Tensor, k: number, sided: 'one' | 'two'): tf.Scalar {
  const over = tf.sub(tf.sqrt(tf.add(squaredSlopes(judge, x), TINY)), k);
  return tf.mean(tf.square(sided === 'one' ? tf.relu(over) : over));
}

/** ε·real + (1 − ε)·fake, one ε per example, drawn as `mix`. */
export function interpolates({ real, fake, draw }: PenaltyOf): tf.Tensor {
  return tf.add(fake, tf.mul(draw.uniform('mix', onePer(real)), tf.sub(real, fake)));
}

/** Shape of one number per example: [n, 1, …]. */
export const onePer = (x: tf.Tensor): number[] => [x.shape[0] ?? 1, ...axesOf(x).map(() => 1)];

const axesOf = (x: tf.Tensor): number[] => x.shape.slice(1).map((_, i) => i + 1);
