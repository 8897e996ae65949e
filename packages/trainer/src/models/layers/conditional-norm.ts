// Conditional batch normalisation: batch norm whose scale and offset are a row of a table, by the example's class.
// Dumoulin et al. 2017; Miyato and Koyama 2018, section 3.
import * as tf from '@tensorflow/tfjs';
import { constant } from '../../gradients/tape.js';
import { both, isTraining, lastOf, type LayerConfig } from './layer.js';

/** Options of {@link conditionalNorm}. */
export interface ConditionalNormConfig extends LayerConfig {
  /** Number of classes. */
  classes: number;
  /** Weight of the past in the moving statistics, as in Keras. Default 0.9. */
  momentum?: number;
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
}

interface Weights {
  gamma: tf.LayerVariable;
  beta: tf.LayerVariable;
  mean: tf.LayerVariable;
  variance: tf.LayerVariable;
}

class ConditionalNorm extends tf.layers.Layer {
  static readonly className = 'ForjaConditionalNorm';
  private readonly classes: number;
  private readonly momentum: number;
  private readonly epsilon: number;
  private own: Weights | undefined;

  constructor({ classes, momentum = 0.9, epsilon = 1e-5, ...rest }: ConditionalNormConfig) {
    super(rest);
    this.classes = classes;
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    // the shapes of pictures and of labels
    const size = lastOf(this.name, (shape as tf.Shape[])[0] ?? []);
    const weight = (name: string, of: number[], kind: 'ones' | 'zeros', trainable: boolean): tf.LayerVariable =>
      this.addWeight(name, of, 'float32', tf.initializers[kind](), undefined, trainable);
    this.own = {
      gamma: weight('gamma', [this.classes, size], 'ones', true),
      beta: weight('beta', [this.classes, size], 'zeros', true),
      mean: weight('moving_mean', [size], 'zeros', false),
      variance: weight('moving_variance', [size], 'ones', false),
    };
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const { own, epsilon } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const [x, labels] = both(this.name, inputs);
      const { mean, variance } = isTraining(kwargs)
        ? this.ofBatch(x, own)
        : { mean: own.mean.read(), variance: own.variance.read() };
      // a product instead of a gather, so that the gradient is a product too
      const chosen = tf.oneHot(tf.cast(labels, 'int32').flatten(), this.classes).toFloat() as tf.Tensor2D;
      const row = (table: tf.LayerVariable): tf.Tensor =>
        tf.reshape(tf.matMul(chosen, table.read() as tf.Tensor2D), [
          -1,
          ...x.shape.slice(1, -1).map(() => 1),
          x.shape.at(-1) ?? 1,
        ]);
      // deviation and gamma in one factor, so that the pictures and their gradients are multiplied only once
      const scale = tf.mul(row(own.gamma), tf.rsqrt(tf.add(variance, epsilon)));
      return tf.add(tf.mul(tf.sub(x, mean), scale), row(own.beta));
    });
  }

  /** The batch's statistics; also updates the moving ones (with the biased variance, as in Keras). */
  private ofBatch(x: tf.Tensor, own: Weights): { mean: tf.Tensor; variance: tf.Tensor } {
    const { mean, variance } = tf.moments(
      x,
      x.shape.slice(0, -1).map((_, i) => i),
    );
    for (const [moving, now] of [
      [own.mean, mean],
      [own.variance, variance],
    ] as const)
      moving.write(constant(() => tf.add(tf.mul(moving.read(), this.momentum), tf.mul(now, 1 - this.momentum))));
    return { mean, variance };
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return (shape as tf.Shape[])[0] ?? []; // as in build
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), classes: this.classes, momentum: this.momentum, epsilon: this.epsilon };
  }
}
tf.serialization.registerClass(ConditionalNorm);

/** Pictures or vectors [n, …, c] and labels [n] → the shape of the pictures or vectors. */
export const conditionalNorm = (config: ConditionalNormConfig): tf.layers.Layer => new ConditionalNorm(config);
