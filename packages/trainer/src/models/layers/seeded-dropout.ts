// Dropout that uses the step's random numbers, because tfjs's own random numbers would become constants in a compiled
// step. Dropout is the only source of noise in pix2pix (Isola et al. 2017, section 3.2.1).
import * as tf from '@tensorflow/tfjs';
import { random } from '../../trace/random.js';
import { isTraining, only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link seededDropout}. */
export interface SeededDropoutConfig extends LayerConfig {
  /** Share of the elements that become 0 in training, from 0 to below 1. */
  rate: number;
}

class SeededDropout extends tf.layers.Layer {
  static readonly className = 'ForjaSeededDropout';
  private readonly rate: number;

  constructor({ rate, ...rest }: SeededDropoutConfig) {
    super(rest);
    this.rate = rate;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    return tf.tidy(() => {
      const x = only(inputs);
      if (!isTraining(kwargs) || this.rate === 0) return tf.clone(x);
      const kept = random.bernoulli(x.shape, 1 - this.rate);
      return tf.mul(x, tf.div(kept, 1 - this.rate));
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return onlyShape(shape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.rate };
  }
}
tf.serialization.registerClass(SeededDropout);

/**
 * Any shape → the same. In training a share `rate` of the elements is 0, and the others are scaled by 1 / (1 − rate).
 */
export const seededDropout = (config: SeededDropoutConfig): tf.layers.Layer => new SeededDropout(config);
