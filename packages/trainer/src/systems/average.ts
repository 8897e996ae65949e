// The moving average of a network's weights, without a second network: during a call, the layers read the averages
// instead of their weights. So neither custom layers nor networks need to be built twice.
import { optionsOf } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { applyUpdates, ema, type EmaAt } from '../optimizers/index.js';
import { variablesOf } from '../tfjs/variables.js';

/** Options of {@link averageOf}. */
export interface AverageOptions {
  /** Decay: weight of the past at each update, 0 to below 1. */
  decay: number;
  /** Use decay min(decay, (1 + n) / (10 + n)) at the n-th update, so that the start is forgotten quickly. */
  warmup: boolean;
  /**
   * Non-trainable weights (moving statistics of batch norms) in the averaged network: `last` uses the network's present
   * values, `averaged` averages them too.
   */
  statistics: 'last' | 'averaged';
  /** Prefix of the variables' names. Default `average`; a second averaged network needs another. */
  name?: string;
}

/** A network's averaged weights. */
export interface Average {
  /** The averages and the counter of updates. */
  readonly variables: readonly tf.Variable[];
  /** Moves the averages towards the weights. Part of a phase's step. */
  follow(at?: Pick<EmaAt, 'decay' | 'share'>): void;
  /** Runs the synchronous `fn` with the averages in place of the network's weights. */
  during<T>(fn: () => T): T;
}

/** Averages of `model`, starting at its present weights, in variables `average/<weight>`. */
export function averageOf(model: tf.LayersModel, options: AverageOptions): Average {
  const {
    decay,
    warmup,
    statistics,
    name = 'average',
  } = optionsOf('averageOf', options, 'decay name statistics warmup');
  const layerWeights = statistics === 'averaged' ? model.weights : model.trainableWeights;
  const moved = ema(variablesOf(layerWeights), decay, { warmup, name });
  return {
    variables: moved.state,
    follow: (at) => applyUpdates(moved(at)),
    during: (fn) => {
      // A LayerVariable reads its value from `val`, which tfjs's types declare as protected.
      const slots = layerWeights as unknown as { val: tf.Variable }[];
      const own = slots.map(({ val }) => val);
      const put = (values: readonly tf.Variable[]): void =>
        slots.forEach((slot, i) => (slot.val = values[i] as tf.Variable)); // same length as slots
      put(moved.averages);
      try {
        return fn();
      } finally {
        put(own);
      }
    },
  };
}
