// Instance normalisation: shifts and scales each channel of each picture to mean 0 and deviation 1 (Ulyanov et al.
// 2016).
import * as tf from '@tensorflow/tfjs';
import { lastOf, only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link instanceNorm}. */
export interface InstanceNormConfig extends LayerConfig {
  /** Learn a scale `gamma` and an offset `beta` per channel. Default false, as in CycleGAN and pix2pix. */
  affine?: boolean;
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
}

class InstanceNorm extends tf.layers.Layer {
  static readonly className = 'ForjaInstanceNorm';
  private readonly affine: boolean;
  private readonly epsilon: number;
  private weightsOf: { gamma: tf.LayerVariable; beta: tf.LayerVariable } | undefined;

  constructor({ affine = false, epsilon = 1e-5, ...rest }: InstanceNormConfig = {}) {
    super(rest);
    this.affine = affine;
    this.epsilon = epsilon;
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    const size = [lastOf(this.name, onlyShape(shape))];
    if (this.affine)
      this.weightsOf = {
        gamma: this.addWeight('gamma', size, 'float32', tf.initializers.ones()),
        beta: this.addWeight('beta', size, 'float32', tf.initializers.zeros()),
      };
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = only(inputs);
      const centred = tf.sub(x, tf.mean(x, [1, 2], true));
      const variance = tf.mean(tf.square(centred), [1, 2], true);
      const normed = tf.mul(centred, tf.rsqrt(tf.add(variance, this.epsilon)));
      return this.weightsOf === undefined
        ? normed
        : tf.add(tf.mul(normed, this.weightsOf.gamma.read()), this.weightsOf.beta.read());
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return onlyShape(shape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), affine: this.affine, epsilon: this.epsilon };
  }
}
tf.serialization.registerClass(InstanceNorm);

/** [n, h, w, c] → the same shape. */
export const instanceNorm = (config?: InstanceNormConfig): tf.layers.Layer => new InstanceNorm(config);
