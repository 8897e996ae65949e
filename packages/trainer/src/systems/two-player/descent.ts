// A player's updates: optimizer by name, gradient clipping, gradient accumulation, and weight clipping after an update.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import {
  adam,
  adamw,
  applyUpdates,
  clipByGlobalNorm,
  clipGradients,
  globalNorm,
  rmsprop,
  sgd,
  type Optimizer,
  type Update,
} from '../../optimizers/index.js';
import { clipUpdates } from '../../penalties/index.js';
import { namedVariable } from '../../tfjs/variables.js';
import { defined } from '../options.js';
import type { PlayerOptions } from './options.js';
import type { Keep } from './step.js';

/** About the largest float32. */
const LARGEST_FLOAT = 3e38;

type Name = PlayerOptions['optimizer'];

/** Each optimizer's options and constructor; its decays are raised to the power of `part`. */
const OPTIMIZERS: Readonly<
  Record<
    Name,
    { takes: readonly (keyof PlayerOptions)[]; make(o: PlayerOptions, part: number, name: string): Optimizer }
  >
> = {
  adam: {
    takes: [],
    make: ({ beta1, beta2 }, part, name) => adam({ beta1: beta1 ** part, beta2: beta2 ** part, name }),
  },
  adamw: {
    takes: ['weightDecay'],
    make: ({ beta1, beta2, weightDecay }, part, name) =>
      adamw({ beta1: beta1 ** part, beta2: beta2 ** part, name, ...defined({ weightDecay }) }),
  },
  rmsprop: {
    takes: ['rmsDecay'],
    make: ({ rmsDecay = 0.99 }, part, name) => rmsprop({ decay: rmsDecay ** part, name }),
  },
  sgd: { takes: ['momentum'], make: ({ momentum = 0 }, part, name) => sgd({ momentum: momentum ** part, name }) },
};

/**
 * Refuses options that belong to another optimizer than the chosen one.
 * @throws UsageError `config.invalid`.
 */
export function checkOptimizer(options: PlayerOptions): void {
  for (const [name, { takes }] of Object.entries(OPTIMIZERS))
    for (const field of takes)
      if (options[field] !== undefined && !OPTIMIZERS[options.optimizer].takes.includes(field))
        throw new UsageError(
          `config.${field}: expected optimizer '${name}' with it, got '${options.optimizer}', which has no ` +
            'such option; remove it',
          { code: 'config.invalid' },
        );
}

/** A player's updates. */
export interface Descent {
  readonly state: readonly tf.Variable[];
  /**
   * One batch: the gradient of `objective` with respect to the weights, and after every `accumulate` batches an update.
   * `fill`: gradient 0 for weights that the objective does not depend on. `keep` gets the global norm of the gradients,
   * before clipping, as `grad_<player>`. Returns the objective.
   */
  descend(objective: () => tf.Scalar, rate: tf.Tensor, how?: { fill?: boolean; keep?: Keep }): tf.Scalar;
  /**
   * In a step: 1 if the weights are updated after this batch, else 0; undefined if every batch updates them. Call it
   * before `descend`.
   */
  last(): tf.Tensor | undefined;
}

/**
 * Updates of the player whose weights are `variables`. Gradients of `options.accumulate` batches are averaged in
 * variables `accumulated/<weight>`, then clipped. The discriminator's weights are clipped to `options.clipWeights`
 * (Arjovsky et al. 2017).
 */
export function descentOf(
  player: string,
  variables: readonly tf.Variable[],
  options: PlayerOptions,
  part = 1,
): Descent {
  const { accumulate, clipNorm, clipValue, clipWeights: bound, optimizer: name } = options;
  const optimizer = OPTIMIZERS[name].make(options, part, `${name}_${player}`).prepare(variables);
  const zeros = (called: string, shape: readonly number[]): tf.Variable =>
    tf.tidy(() => namedVariable(called, tf.zeros([...shape])));
  const sums = accumulate === 1 ? [] : variables.map((v) => zeros(`accumulated/${v.name}`, v.shape));
  const count = accumulate === 1 ? undefined : zeros(`accumulated_${player}/count`, []);
  const last = (): tf.Tensor | undefined =>
    count === undefined ? undefined : tf.cast(tf.greaterEqual(count, accumulate - 1), 'float32');

  const clipped = (gradients: readonly tf.Tensor[]): readonly tf.Tensor[] => {
    const byValue = clipValue === undefined ? gradients : clipGradients(gradients, clipValue);
    return clipNorm === undefined ? byValue : clipByGlobalNorm(byValue, clipNorm);
  };
  const updates = (gradients: readonly tf.Tensor[], rate: tf.Tensor): Update[] => {
    const scaled = part === 1 ? rate : tf.mul(rate, part);
    const now = last();
    if (now === undefined || count === undefined) return optimizer(variables, clipped(gradients), scaled);
    const before = tf.sub(1, now);
    const summed = gradients.map((gradient, i) => tf.add(sums[i] as tf.Tensor, gradient)); // one per gradient
    const means = summed.map((sum) => tf.div(sum, accumulate));
    return [
      ...optimizer(variables, clipped(means), scaled).map(({ variable, value }) => ({
        variable,
        value: tf.add(tf.mul(value, now), tf.mul(variable, before)), // one of the factors is 1, the other 0
      })),
      ...summed.map((sum, i) => ({ variable: sums[i] as tf.Variable, value: tf.mul(sum, before) })),
      { variable: count, value: tf.mul(tf.add(count, 1), before) },
    ];
  };
  const bounded = (made: Update[]): Update[] =>
    player === 'd' && bound !== undefined ? clipUpdates(made, variables, bound) : made;
  return {
    state: [...optimizer.state, ...sums, ...(count === undefined ? [] : [count])],
    last,
    descend: (objective, rate, { fill = false, keep } = {}) => {
      const { value, grads } = tf.variableGrads(objective, [...variables]);
      const gradients = variables.map((variable) => {
        const found = grads[variable.name] ?? (fill ? tf.zerosLike(variable) : undefined);
        if (found !== undefined) return found;
        throw new UsageError(
          `${player}: expected a gradient of variable '${variable.name}', got none; the loss does not depend on it`,
        );
      });
      // Clipping can still rescue gradients whose squares overflow float32, so their norm is not logged as infinite.
      keep?.(`grad_${player}`, tf.minimum(globalNorm(gradients), LARGEST_FLOAT));
      applyUpdates(bounded(updates(gradients, rate)));
      return value;
    },
  };
}
