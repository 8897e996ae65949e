// Label smoothing: targets of the discriminator's cross-entropy other than 1 and 0. Salimans et al. 2016, section 3.4,
// who move only the target of real examples (one-sided); Szegedy et al. 2016 move both.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { GanLoss } from './loss.js';

/** How far targets move: a real example's is 1 − real, a fake's is fake. Each from 0 to below 1. Default 0. */
export interface Smoothing {
  real?: number;
  fake?: number;
}

/**
 * `loss` with the discriminator's targets moved. Cross-entropy is linear in its target t: softplus(x) − t·x, so moving
 * it adds a multiple of the mean logit. The generator's loss stays.
 * @throws UsageError `config.invalid` for a loss that is no cross-entropy, or a number out of range.
 */
export function smoothed(loss: GanLoss, { real = 0, fake = 0 }: Smoothing): GanLoss {
  for (const [field, value] of Object.entries({ real, fake }))
    if (!(value >= 0 && value < 1))
      throw new UsageError(`smoothing.${field}: expected a number from 0 to below 1, got ${String(value)}`, {
        code: 'config.invalid',
      });
  if (real === 0 && fake === 0) return loss;
  if (loss.crossEntropy !== true)
    throw new UsageError(
      `smoothing: expected a loss that is a cross-entropy (non-saturating, saturating), got '${loss.name}', which has no targets; leave smoothing out`,
      { code: 'config.invalid' },
    );
  return {
    ...loss,
    discriminator: (onReal, onFake) =>
      tf.addN([
        loss.discriminator(onReal, onFake),
        ...(real === 0 ? [] : [tf.mul<tf.Scalar>(tf.mean(onReal.logits), real)]),
        ...(fake === 0 ? [] : [tf.mul<tf.Scalar>(tf.mean(onFake.logits), -fake)]),
      ]),
  };
}
