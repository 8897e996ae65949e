// A convolution with spectral normalisation.
import * as tf from '@tensorflow/tfjs';
import { isTraining, lastOf, only, onlyShape, type LayerConfig } from './layer.js';
import { spectrallyNormal, startOfU } from './spectral.js';

/** Options of {@link spectralConv}. */
export interface SpectralConvConfig extends LayerConfig {
  filters: number;
  kernelSize: number;
  /** Default 1. */
  strides?: number;
  /** Default `same`. */
  padding?: 'same' | 'valid';
  /** Default true. */
  useBias?: boolean;
}

class SpectralConv extends tf.layers.Layer {
  static readonly className = 'ForjaSpectralConv';
  private readonly options: Required<Omit<SpectralConvConfig, keyof LayerConfig>>;
  private own: { kernel: tf.LayerVariable; bias: tf.LayerVariable | undefined; u: tf.LayerVariable } | undefined;

  constructor({ filters, kernelSize, strides = 1, padding = 'same', useBias = true, ...rest }: SpectralConvConfig) {
    super(rest);
    this.options = { filters, kernelSize, strides, padding, useBias };
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    const { filters, kernelSize, useBias } = this.options;
    const zeros = tf.initializers.zeros();
    const size = [kernelSize, kernelSize, lastOf(this.name, onlyShape(shape)), filters];
    this.own = {
      kernel: this.addWeight('kernel', size, 'float32', tf.initializers.glorotNormal({})),
      bias: useBias ? this.addWeight('bias', [filters], 'float32', zeros) : undefined,
      u: this.addWeight('u', [filters], 'float32', startOfU(), undefined, false),
    };
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    const { own, options } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const kernel = spectrallyNormal(own.kernel.read(), own.u, isTraining(kwargs));
      const y = tf.conv2d(only(inputs) as tf.Tensor4D, kernel as tf.Tensor4D, options.strides, options.padding);
      return own.bias === undefined ? y : tf.add(y, own.bias.read());
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const { filters, kernelSize, strides, padding } = this.options;
    const [n = null, h = null, w = null] = onlyShape(shape);
    const less = padding === 'same' ? 0 : kernelSize - 1;
    const size = (x: number | null): number | null => (x === null ? null : Math.ceil((x - less) / strides));
    return [n, size(h), size(w), filters];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
tf.serialization.registerClass(SpectralConv);

/** [n, h, w, c] → [n, h / strides, w / strides, filters]. */
export const spectralConv = (config: SpectralConvConfig): tf.layers.Layer => new SpectralConv(config);
