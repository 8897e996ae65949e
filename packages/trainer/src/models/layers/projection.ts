// The end of a projection discriminator: a linear logit, plus the inner product of the features with an embedding of
// the class. Miyato and Koyama 2018, equation 3.
import * as tf from '@tensorflow/tfjs';
import { both, isTraining, lastOf, type LayerConfig } from './layer.js';
import { spectrallyNormal, startOfU } from './spectral.js';

/** Options of {@link projection}. */
export interface ProjectionConfig extends LayerConfig {
  /** Number of classes. */
  classes: number;
  /** Normalise the table of embeddings and the linear part spectrally. Default false. */
  spectral?: boolean;
}

interface Weights {
  kernel: tf.LayerVariable;
  bias: tf.LayerVariable;
  embeddings: tf.LayerVariable;
  /** `u` of the kernel and of the embeddings. */
  us: [tf.LayerVariable, tf.LayerVariable] | undefined;
}

class Projection extends tf.layers.Layer {
  static readonly className = 'ForjaProjection';
  private readonly classes: number;
  private readonly spectral: boolean;
  private own: Weights | undefined;

  constructor({ classes, spectral = false, ...rest }: ProjectionConfig) {
    super(rest);
    this.classes = classes;
    this.spectral = spectral;
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    // the shapes of features and of labels
    const size = lastOf(this.name, (shape as tf.Shape[])[0] ?? []);
    const glorot = tf.initializers.glorotNormal({});
    const u = (name: string, length: number): tf.LayerVariable =>
      this.addWeight(name, [length], 'float32', startOfU(), undefined, false);
    this.own = {
      kernel: this.addWeight('kernel', [size, 1], 'float32', glorot),
      bias: this.addWeight('bias', [1], 'float32', tf.initializers.zeros()),
      embeddings: this.addWeight('embeddings', [this.classes, size], 'float32', glorot),
      us: this.spectral ? [u('kernel/u', 1), u('embeddings/u', size)] : undefined,
    };
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const { own } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const [x, labels] = both(this.name, inputs);
      const weight = (of: tf.LayerVariable, u: tf.LayerVariable | undefined): tf.Tensor2D =>
        // both are matrices
        (u === undefined ? of.read() : spectrallyNormal(of.read(), u, isTraining(kwargs))) as tf.Tensor2D;
      const linear = tf.matMul(x as tf.Tensor2D, weight(own.kernel, own.us?.[0]));
      const chosen = tf.oneHot(tf.cast(labels, 'int32').flatten(), this.classes).toFloat() as tf.Tensor2D;
      const row = tf.matMul(chosen, weight(own.embeddings, own.us?.[1]));
      return tf.addN([tf.add(linear, own.bias.read()), tf.sum(tf.mul(x, row), 1, true)]);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [(shape as tf.Shape[])[0]?.[0] ?? null, 1]; // as in build
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), classes: this.classes, spectral: this.spectral };
  }
}
tf.serialization.registerClass(Projection);

/** Features [n, size] and labels [n] → logit [n, 1]. */
export const projection = (config: ProjectionConfig): tf.layers.Layer => new Projection(config);
