// Adds hidden layers to a network's outputs, for feature matching and perceptual losses.
import { UsageError, nearest } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/**
 * A model with the same weights whose outputs are those of `model`, then those of the named layers.
 * @throws UsageError `config.invalid` for an unknown layer.
 */
export function withTaps(model: tf.LayersModel, layers: readonly string[]): tf.LayersModel {
  const known = model.layers.map((layer) => layer.name);
  const taps = layers.map((name) => {
    if (!known.includes(name))
      throw new UsageError(`taps: expected one of ${known.join(', ')}, got '${name}'${nearest(name, known)}`, {
        code: 'config.invalid',
      });
    return model.getLayer(name).output as tf.SymbolicTensor; // a layer used once has one output
  });
  return tf.model({ inputs: model.inputs, outputs: [...model.outputs, ...taps], name: `${model.name}_taps` });
}
