// Multi-layer perceptron, for points and other small vectors.
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/** Sizes of an MLP. */
export interface MlpConfig {
  input: number;
  /** Sizes of the hidden layers. */
  hidden: readonly number[];
  output: number;
  activation?: 'relu' | 'tanh' | 'elu' | 'selu' | 'softplus';
  /** Prefix of the layers' names. */
  name: string;
}

/**
 * [n, input] → [n, output]: dense layers with `activation` (default ReLU) between, linear at the end. Layers are
 * `<name>/dense0`, `<name>/dense1`, …
 */
export function mlp(config: MlpConfig): tf.LayersModel {
  const {
    input,
    hidden,
    output,
    activation = 'relu',
    name,
  } = optionsOf('mlp', config, 'activation hidden input name output');
  if (!Array.isArray(hidden))
    throw new UsageError(`mlp.hidden: expected a list of sizes, got ${shown(hidden)}`, { code: 'config.invalid' });
  const sizes = [...(hidden as readonly number[]), output];
  const layers = sizes.map((units, i) =>
    tf.layers.dense({
      ...(i === 0 ? { inputShape: [input] } : {}),
      units,
      kernelInitializer: 'zeros',
      ...(i < hidden.length ? { activation } : {}),
      name: `${name}/dense${i}`,
    }),
  );
  return tf.sequential({ name, layers });
}
