// Hidden layers of a network as outputs beside its own: what feature matching and perceptual losses look at.
import { UsageError, nearest } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/**
 * `model` with the outputs of the named layers after its own, over the same weights.
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
