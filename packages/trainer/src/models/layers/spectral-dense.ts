// A dense layer with spectral normalisation.
import * as tf from '@tensorflow/tfjs';
import { isTraining, lastOf, only, onlyShape, type LayerConfig } from './layer.js';
import { spectrallyNormal, startOfU } from './spectral.js';

/** Options of {@link spectralDense}. */
export interface SpectralDenseConfig extends LayerConfig {
  units: number;
  /** Default true. */
  useBias?: boolean;
}

class SpectralDense extends tf.layers.Layer {
  static readonly className = 'ForjaSpectralDense';
  private readonly units: number;
  private readonly useBias: boolean;
  private own: { kernel: tf.LayerVariable; bias: tf.LayerVariable | undefined; u: tf.LayerVariable } | undefined;

  constructor({ units, useBias = true, ...rest }: SpectralDenseConfig) {
    super(rest);
    this.units = units;
    this.useBias = useBias;
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    const { units, useBias } = this;
    const size = [lastOf(this.name, onlyShape(shape)), units];
    this.own = {
      kernel: this.addWeight('kernel', size, 'float32', tf.initializers.glorotNormal({})),
      bias: useBias ? this.addWeight('bias', [units], 'float32', tf.initializers.zeros()) : undefined,
      u: this.addWeight('u', [units], 'float32', startOfU(), undefined, false),
    };
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const { own } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const kernel = spectrallyNormal(own.kernel.read(), own.u, isTraining(kwargs));
      const y = tf.matMul(only(inputs) as tf.Tensor2D, kernel as tf.Tensor2D);
      return own.bias === undefined ? y : tf.add(y, own.bias.read());
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...onlyShape(shape).slice(0, -1), this.units];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), units: this.units, useBias: this.useBias };
  }
}
tf.serialization.registerClass(SpectralDense);

/** [n, size] → [n, units]. */
export const spectralDense = (config: SpectralDenseConfig): tf.layers.Layer => new SpectralDense(config);
