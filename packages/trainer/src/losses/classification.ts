// Auxiliary classification: the discriminator also predicts an example's class, and the generator should make examples
// of the given class. Odena et al. 2017 (AC-GAN), equation 3.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Verdict } from './loss.js';

/**
 * −E log P(C = label): cross-entropy of the verdict's class logits [n, classes] with int32 labels [n]. AC-GAN adds this
 * cross-entropy of real and of fake examples to the discriminator's loss, and that of fake examples to the generator's
 * loss.
 * @throws UsageError `input.shape` for a verdict without classes.
 */
export function classification(verdict: Verdict, labels: tf.Tensor): tf.Scalar {
  const { classes } = verdict;
  if (classes === undefined)
    throw new UsageError('classification: expected a verdict with classes, got one without; give D a second output', {
      code: 'input.shape',
    });
  const chosen = tf.oneHot(tf.cast(labels.flatten(), 'int32'), classes.shape[1] ?? 0);
  return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(tf.logSoftmax(classes), chosen), 1)));
}
