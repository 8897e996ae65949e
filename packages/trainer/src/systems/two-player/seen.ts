// The discriminator's input: several examples packed together (PacGAN), and instance noise.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { random } from '../../trace/random.js';
import type { PlayerOptions } from './options.js';

/**
 * A batch [n, …, c] as n / m packs [n / m, …, m·c]: examples i, i + n/m, … are concatenated along the last axis. Lin et
 * al. 2018 (PacGAN).
 */
export function packed(x: tf.Tensor, m: number): tf.Tensor {
  return m === 1 ? x : tf.concat(tf.split(x, m), -1);
}

/** Applies `see` to the single examples of packs, and packs the results. */
export function perExample(x: tf.Tensor, m: number, see: (examples: tf.Tensor) => tf.Tensor): tf.Tensor {
  return m === 1 ? see(x) : packed(see(tf.concat(tf.split(x, m, -1), 0)), m);
}

/**
 * `x` with Gaussian noise of this deviation; `name` selects the noise's random numbers. Sønderby et al. 2017, section
 * 3.
 */
export function noisy(x: tf.Tensor, deviation: tf.Tensor | number, name: string): tf.Tensor {
  return tf.add(x, tf.mul(random.normal(x.shape, `instance_noise/${name}`), deviation));
}

/**
 * Refuses a batch that is not a multiple of the pack, before networks are made.
 * @throws UsageError `config.invalid`.
 */
export function checkPack({ pack }: PlayerOptions, batch: number): void {
  if (batch % pack !== 0)
    throw new UsageError(`config.batch: expected a multiple of the ${pack} examples of a pack, got ${batch}`, {
      code: 'config.invalid',
    });
}
