// Adam, Kingma and Ba 2015, algorithm 1, with the bias corrections moved into the rate (end of section 2), which is
// equivalent in exact arithmetic.
import { optionsOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { optimizer, type Optimizer } from './optimizer.js';

/** Options of {@link adam}. */
export interface AdamOptions {
  /** Decay of the first moment. Default 0.9; GANs use 0.5 (Radford et al. 2016) or 0. */
  beta1?: number;
  /** Decay of the second moment. Default 0.999. */
  beta2?: number;
  /** Added to the root of the bias-corrected second moment. Default 1e-8. */
  epsilon?: number;
  /** Prefix of the counter's name. Default `adam`. */
  name?: string;
}

/**
 * 1 − βᵗ as −expm1(t·ln β), computed with tanh: accurate for β close to 1 and small t, where 1 − βᵗ in float32 keeps
 * three digits.
 */
function correction(beta: number, t: tf.Tensor): tf.Tensor {
  if (beta === 0) return tf.scalar(1);
  const half = tf.tanh(tf.mul(t, Math.log(beta) / 2));
  return tf.div(tf.mul(half, -2), tf.sub(1, half));
}

/**
 * m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − rate·m̂ / (√v̂ + ε). State: `<name>/step`, and `<variable>/m`,
 * `<variable>/v`.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  const { name = 'adam', ...rest } = optionsOf('adam', options, 'beta1 beta2 epsilon name');
  return decoupled({ ...rest, name }, 0);
}

/** Adam in which the weights also shrink by rate·decay·θ at each step, independently of the moments. */
export function decoupled(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, name }: AdamOptions & { name: string },
  decay: number,
): Optimizer {
  return optimizer<'m' | 'v', { rate: tf.Tensor; epsilon: tf.Tensor; kept?: tf.Tensor }>(
    {
      name,
      slots: ['m', 'v'],
      counts: true,
      shared: (rate, count = tf.scalar(1)) => {
        const root = tf.sqrt(correction(beta2, count));
        return {
          rate: tf.div(tf.mul(rate, root), correction(beta1, count)),
          epsilon: tf.mul(root, epsilon),
          ...(decay === 0 ? {} : { kept: tf.sub(1, tf.mul(rate, decay)) }),
        };
      },
      one: (variable, gradient, slots, shared) => {
        const m = tf.add(tf.mul(slots.m, beta1), tf.mul(gradient, 1 - beta1));
        const v = tf.add(tf.mul(slots.v, beta2), tf.mul(tf.square(gradient), 1 - beta2));
        const step = tf.mul(shared.rate, tf.div(m, tf.add(tf.sqrt(v), shared.epsilon)));
        return { value: tf.sub(shared.kept === undefined ? variable : tf.mul(variable, shared.kept), step), m, v };
      },
    },
    name,
  );
}
