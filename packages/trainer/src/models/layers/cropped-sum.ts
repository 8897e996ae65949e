// The sum of a picture and what a network made of it, whose edges may have been rounded up: what is beyond the picture
// is cut off.
import * as tf from '@tensorflow/tfjs';
import { both, type LayerConfig } from './layer.js';

class CroppedSum extends tf.layers.Layer {
  static readonly className = 'ForjaCroppedSum';

  constructor(config: LayerConfig = {}) {
    super({ ...config });
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [picture, made] = both(this.name, inputs);
    const same = made.shape.every((size, i) => size === picture.shape[i]);
    return tf.add(picture, same ? made : tf.slice(made, [0, 0, 0, 0], picture.shape));
  }

  override computeOutputShape(shapes: tf.Shape | tf.Shape[]): tf.Shape {
    return (shapes as tf.Shape[])[0] ?? []; // a shape for each of the two inputs
  }
}
tf.serialization.registerClass(CroppedSum);

/** [n, h, w, c] and [n, at least h, at least w, c] → [n, h, w, c]. */
export const croppedSum = (config?: LayerConfig): tf.layers.Layer => new CroppedSum(config);
