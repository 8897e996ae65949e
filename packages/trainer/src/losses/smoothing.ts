// Targets of the discriminator's cross-entropy other than 1 and 0. Smoothing: Salimans et al. 2016, section 3.4, who
// move only the target of real examples (one-sided); Szegedy et al. 2016 move both. Noisy and flipped targets: Chintala
// et al. 2016, "How to train a GAN", tip 6.
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { GanLoss } from './loss.js';

/** How targets change: first by smoothing and noise, then some are flipped. All 0 by default. */
export interface Smoothing {
  /** A real example's target is 1 − real, a fake's is fake. Each from 0 to below 1. */
  real?: number;
  fake?: number;
  /**
   * In addition, each target moves towards the opposite target by its own uniform random number between 0 and `noise`.
   */
  noise?: tf.Tensor | number;
  /** Share of targets t, of real and of fake examples, that become 1 − t. */
  flips?: tf.Tensor | number;
  /** Uniform numbers from [0, 1) by name, for noise and flips. */
  uniform?: (name: string, shape: readonly number[]) => tf.Tensor;
}

/**
 * `loss` with changed targets of the discriminator. Cross-entropy softplus(x) − t·x is linear in its target t, so
 * changing targets adds a mean of the logits, weighted by the changes. The generator's loss stays the same.
 * @throws UsageError `config.invalid` for a loss that is not cross-entropy, or a number out of range.
 */
export function smoothed(loss: GanLoss, smoothing: Smoothing): GanLoss {
  const {
    real = 0,
    fake = 0,
    noise = 0,
    flips = 0,
    uniform,
  } = optionsOf('smoothing', smoothing, 'fake flips noise real uniform');
  for (const [field, value] of Object.entries({ real, fake, noise, flips }))
    if (typeof value === 'number' && !(value >= 0 && value < 1))
      throw new UsageError(`smoothing.${field}: expected a number from 0 to below 1, got ${shown(value)}`, {
        code: 'config.invalid',
      });
  if (real === 0 && fake === 0 && noise === 0 && flips === 0) return loss;
  if (loss.crossEntropy !== true)
    throw new UsageError(
      `smoothing: expected a loss that is a cross-entropy (non-saturating, saturating), got '${loss.name}', ` +
        'which has no targets; leave smoothing out',
      { code: 'config.invalid' },
    );
  const drawn = (name: string, { shape }: tf.Tensor): tf.Tensor => {
    if (uniform !== undefined) return uniform(name, shape);
    throw new UsageError('smoothing.uniform: expected a source of random numbers for noise and flips, got none');
  };
  /** The change of the targets of one side, as a number or one per logit; undefined for no change. */
  const moved = (side: string, by: number, logits: tf.Tensor): tf.Tensor | number | undefined => {
    const noisy = noise === 0 ? by : tf.add(tf.mul(drawn(`${side}_noise`, logits), noise), by);
    if (flips === 0) return noisy === 0 ? undefined : noisy;
    const flipped = tf.cast(tf.less(drawn(`${side}_flips`, logits), flips), 'float32');
    return tf.add(noisy, tf.mul(flipped, tf.sub(1, tf.mul(noisy, 2)))); // from m to 1 − m
  };
  const cost = (by: tf.Tensor | number | undefined, logits: tf.Tensor, sign: 1 | -1): tf.Scalar[] => {
    if (by === undefined) return [];
    if (typeof by === 'number') return [tf.mul<tf.Scalar>(tf.mean(logits), sign * by)];
    return [tf.mul<tf.Scalar>(tf.mean(tf.mul(logits, by)), sign)];
  };
  return {
    ...loss,
    discriminator: (onReal, onFake) =>
      tf.addN([
        loss.discriminator(onReal, onFake),
        ...cost(moved('real', real, onReal.logits), onReal.logits, 1),
        ...cost(moved('fake', fake, onFake.logits), onFake.logits, -1),
      ]),
  };
}
