// The convolution of StyleGAN2, whose weights are scaled by each example's style and brought back to unit size: Karras
// et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", equations 1 to 3. Instead of the weights, the
// channels of the pictures are scaled before and after the convolution, so that one convolution serves the whole batch.
import * as tf from '@tensorflow/tfjs';
import { equalScale } from './equal.js';
import { both, lastOf, type LayerConfig } from './layer.js';

/** Options of {@link modulatedConv}. */
export interface ModulatedConvConfig extends LayerConfig {
  filters: number;
  kernelSize: number;
  /** Bring each output channel's weights back to unit length. Default true. */
  demodulate?: boolean;
  /** Repeat every pixel 2 × 2 times before the convolution. Default false. */
  double?: boolean;
  /** Gain for the activation that follows: √2 before a leaky ReLU. Default 1. */
  gain?: number;
}

class ModulatedConv extends tf.layers.Layer {
  static readonly className = 'ForjaModulatedConv';
  private readonly options: Required<Omit<ModulatedConvConfig, keyof LayerConfig>>;
  private kernel: tf.LayerVariable | undefined;

  constructor(config: ModulatedConvConfig) {
    const { filters, kernelSize, demodulate = true, double = false, gain = 1, ...rest } = config;
    super(rest);
    this.options = { filters, kernelSize, demodulate, double, gain };
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    const { filters, kernelSize } = this.options;
    const channels = lastOf(this.name, (shape as tf.Shape[])[0] ?? []); // the shapes of pictures and of styles
    this.kernel = this.addWeight(
      'kernel',
      [kernelSize, kernelSize, channels, filters],
      'float32',
      tf.initializers.zeros(),
    );
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { kernel: own, options } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    const { filters, demodulate, double, gain } = options;
    return tf.tidy(() => {
      const [pictures, styles] = both(this.name, inputs);
      const x = pictures as tf.Tensor4D;
      const [, h, w, c] = x.shape;
      // demodulation would cancel the gain, so the gain is applied together with it below
      const kernel = tf.mul<tf.Tensor4D>(own.read(), equalScale(own.read().shape, demodulate ? 1 : gain));
      const styled = tf.mul<tf.Tensor4D>(x, styles.reshape([-1, 1, 1, c]));
      const placed = double ? tf.image.resizeNearestNeighbor(styled, [2 * h, 2 * w]) : styled;
      const y = tf.conv2d(placed, kernel, 1, 'same');
      if (!demodulate) return y;
      // ‖s·w‖² of each example and output channel, as one product
      const squares = tf.matMul(tf.square(styles) as tf.Tensor2D, tf.sum(tf.square(kernel), [0, 1]));
      return tf.mul(y, tf.mul(tf.rsqrt(tf.add(squares, 1e-8)), gain).reshape([-1, 1, 1, filters]));
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null, h = null, w = null] = (shape as tf.Shape[])[0] ?? []; // as in build
    const factor = this.options.double ? 2 : 1;
    return [n, h === null ? null : h * factor, w === null ? null : w * factor, this.options.filters];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
tf.serialization.registerClass(ModulatedConv);

/** Pictures [n, h, w, c] and styles [n, c] → [n, h, w, filters], or [n, 2h, 2w, filters] with `double`. */
export const modulatedConv = (config: ModulatedConvConfig): tf.layers.Layer => new ModulatedConv(config);
