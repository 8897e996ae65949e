// DRAGAN: slope k in the neighbourhood of real examples. Kodali et al. 2017, section 3.3; the noise as in the authors'
// code: uniform, with a width of half the batch's standard deviation, times a random factor per example.
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Penalty } from './penalty.js';
import { offTarget, onePer } from './slope.js';

/** Options of {@link dragan}. */
export interface DraganOptions {
  /** Target of the gradient norm. Default 1. */
  k?: number;
  /** Width of the noise, in standard deviations of the batch. Default 0.5. */
  width?: number;
}

/**
 * E(‖∇D(x + α·c·sd(x)·u)‖ − k)², with u and α uniform in [0, 1), u per element and α per example.
 * @throws UsageError `config.invalid` for k or c below 0.
 */
export function dragan(options: DraganOptions = {}): Penalty {
  const { k = 1, width = 0.5 } = optionsOf('dragan', options, 'k width');
  for (const [field, value] of Object.entries({ k, width }))
    if (!(value >= 0))
      throw new UsageError(`dragan.${field}: expected a number ≥ 0, got ${shown(value)}`, { code: 'config.invalid' });
  return {
    name: 'dragan',
    of: ({ judge, real, draw }) => {
      const deviation = tf.sqrt(tf.moments(real).variance);
      const noise = tf.mul(draw.uniform('noise', real.shape), tf.mul(deviation, width));
      return offTarget(judge, tf.add(real, tf.mul(draw.uniform('mix', onePer(real)), noise)), k, 'two');
    },
  };
}
