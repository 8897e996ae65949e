// Global sum pooling: the sum over all positions of a picture, at the end of SNGAN's discriminator. Miyato et al. 2018.
import * as tf from '@tensorflow/tfjs';
import { lastOf, only, onlyShape, type LayerConfig } from './layer.js';

class GlobalSum extends tf.layers.Layer {
  static readonly className = 'ForjaGlobalSum';

  constructor(config: LayerConfig = {}) {
    super({ ...config });
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.sum(only(inputs), [1, 2]);
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null] = onlyShape(shape);
    return [n, lastOf(this.name, onlyShape(shape))];
  }
}
tf.serialization.registerClass(GlobalSum);

/** [n, h, w, c] → [n, c]. */
export const globalSum = (config?: LayerConfig): tf.layers.Layer => new GlobalSum(config);
