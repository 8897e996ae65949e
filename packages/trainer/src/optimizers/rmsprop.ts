// RMSProp, Tieleman and Hinton 2012 (lecture 6.5), in the form of PyTorch: ε outside the root, no centring.
import { optionsOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { optimizer, type Optimizer } from './optimizer.js';

/** Options of {@link rmsprop}. */
export interface RmspropOptions {
  /** Decay of the mean square. Default 0.99. */
  decay?: number;
  /** Default 1e-8. */
  epsilon?: number;
  /** Names the optimizer in errors. Default `rmsprop`. */
  name?: string;
}

/** v ← ρv + (1 − ρ)g²; θ ← θ − rate·g / (√v + ε). State: `<variable>/v`. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { decay = 0.99, epsilon = 1e-8, name = 'rmsprop' } = optionsOf('rmsprop', options, 'decay epsilon name');
  return optimizer<'v', tf.Tensor>(
    {
      name: 'rmsprop',
      slots: ['v'],
      counts: false,
      shared: (rate) => rate,
      one: (variable, gradient, slots, rate) => {
        const v = tf.add(tf.mul(slots.v, decay), tf.mul(tf.square(gradient), 1 - decay));
        return { value: tf.sub(variable, tf.mul(rate, tf.div(gradient, tf.add(tf.sqrt(v), epsilon)))), v };
      },
    },
    name,
  );
}
