// The attention layer of SAGAN: to each position of a picture, adds the values of all positions, weighted by
// softmax(query · key) and scaled by a learnt factor that starts at 0. Zhang et al. 2019, equations 1 to 3.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { type LayerConfig } from './layer.js';

class Attend extends tf.layers.Layer {
  static readonly className = 'ForjaAttend';
  private share: tf.LayerVariable | undefined;

  constructor(config: LayerConfig = {}) {
    super({ ...config });
  }

  override build(): void {
    this.share = this.addWeight('gamma', [], 'float32', tf.initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [x, query, key, value] = Array.isArray(inputs) ? inputs : [inputs];
      if (
        x === undefined ||
        query === undefined ||
        key === undefined ||
        value === undefined ||
        this.share === undefined
      )
        throw new UsageError(`${this.name}: expected a picture, queries, keys and values`, { code: 'input.shape' });
      const rows = (map: tf.Tensor): tf.Tensor3D => map.reshape([map.shape[0] ?? 1, -1, map.shape[3] ?? 1]);
      const weights = tf.softmax(tf.matMul(rows(query), rows(key), false, true));
      const taken = tf.matMul(weights, rows(value)).reshape(x.shape);
      return tf.add(x, tf.mul(taken, this.share.read()));
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return (shape as tf.Shape[])[0] ?? []; // the shapes of the four inputs
  }
}
tf.serialization.registerClass(Attend);

/** Picture [n, h, w, c], queries and keys [n, h, w, k], values [n, h, w, c] → the picture's shape. */
export const attend = (config?: LayerConfig): tf.layers.Layer => new Attend(config);
