// Stochastic gradient descent, plain or with (Nesterov) momentum, in the form of PyTorch: the rate is outside the
// momentum.
import { optionsOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { optimizer, type Optimizer } from './optimizer.js';

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Default 0: no momentum, no state. */
  momentum?: number;
  /** Nesterov's look-ahead. Default false. */
  nesterov?: boolean;
  /** Names the optimizer in errors. Default `sgd`. */
  name?: string;
}

/** θ ← θ − rate·g; with momentum μ: u ← μu + g, θ ← θ − rate·u (Nesterov: g + μu). State: `<variable>/velocity`. */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false, name = 'sgd' } = optionsOf('sgd', options, 'momentum name nesterov');
  const descend = (variable: tf.Tensor, direction: tf.Tensor, rate: tf.Tensor): tf.Tensor =>
    tf.sub(variable, tf.mul(rate, direction));
  if (momentum === 0) {
    return optimizer<never, tf.Tensor>(
      {
        name: 'sgd',
        slots: [],
        counts: false,
        shared: (rate) => rate,
        one: (variable, gradient, _slots, rate) => ({ value: descend(variable, gradient, rate) }),
      },
      name,
    );
  }
  return optimizer<'velocity', tf.Tensor>(
    {
      name: 'sgd',
      slots: ['velocity'],
      counts: false,
      shared: (rate) => rate,
      one: (variable, gradient, slots, rate) => {
        const velocity = tf.add(tf.mul(slots.velocity, momentum), gradient);
        return {
          value: descend(variable, nesterov ? tf.add(gradient, tf.mul(velocity, momentum)) : velocity, rate),
          velocity,
        };
      },
    },
    name,
  );
}
