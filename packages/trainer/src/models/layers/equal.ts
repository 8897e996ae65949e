// Equalised learning rate: weights start as standard normals and are scaled when used, so that Adam changes all weights
// at the same relative rate. Karras et al. 2018, section 4.1. A dense layer and a convolution; modulated-conv.ts uses
// it too.
import { sizeOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { lastOf, only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link equalDense}. */
export interface EqualDenseConfig extends LayerConfig {
  units: number;
  /** Gain for the activation that follows: √2 before a leaky ReLU. Default 1. */
  gain?: number;
  /** Factor of the learning rate; weights are to be drawn from N(0, 1 / rate²). Default 1. */
  rate?: number;
  /** Initial value of biases. Default 0. */
  start?: number;
}

/** Options of {@link equalConv}. */
export interface EqualConvConfig extends LayerConfig {
  filters: number;
  kernelSize: number;
  /** Default 1. */
  gain?: number;
  /** Default true. */
  useBias?: boolean;
}

/** gain / √fan-in of a kernel [h, w, in, out] or [in, out]. */
export const equalScale = (kernel: readonly number[], gain: number): number =>
  gain / Math.sqrt(sizeOf(kernel.slice(0, -1)));

/** A layer with a kernel and a bias. */
abstract class Equal extends tf.layers.Layer {
  private own: { kernel: tf.LayerVariable; bias: tf.LayerVariable | undefined } | undefined;

  protected addKernel(shape: number[], bias: number | undefined): void {
    this.own = {
      kernel: this.addWeight('kernel', shape, 'float32', tf.initializers.zeros()),
      bias:
        bias === undefined
          ? undefined
          : this.addWeight('bias', shape.slice(-1), 'float32', tf.initializers.constant({ value: bias })),
    };
    this.built = true;
  }

  /** The kernel as it is used, and the bias. */
  protected weightsOf(gain: number, rate = 1): { kernel: tf.Tensor; bias: tf.Tensor | undefined } {
    if (this.own === undefined) throw new Error(`${this.name}: expected a built layer`);
    const kernel = this.own.kernel.read();
    const bias = this.own.bias?.read();
    return {
      kernel: tf.mul(kernel, equalScale(kernel.shape, gain) * rate),
      bias: bias === undefined || rate === 1 ? bias : tf.mul(bias, rate),
    };
  }
}

class EqualDense extends Equal {
  static readonly className = 'ForjaEqualDense';
  private readonly options: Required<Omit<EqualDenseConfig, keyof LayerConfig>>;

  constructor({ units, gain = 1, rate = 1, start = 0, ...rest }: EqualDenseConfig) {
    super(rest);
    this.options = { units, gain, rate, start };
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    this.addKernel([lastOf(this.name, onlyShape(shape)), this.options.units], this.options.start);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const { kernel, bias } = this.weightsOf(this.options.gain, this.options.rate);
      const y = tf.matMul(only(inputs) as tf.Tensor2D, kernel as tf.Tensor2D);
      return bias === undefined ? y : tf.add(y, bias);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...onlyShape(shape).slice(0, -1), this.options.units];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
tf.serialization.registerClass(EqualDense);

class EqualConv extends Equal {
  static readonly className = 'ForjaEqualConv';
  private readonly options: Required<Omit<EqualConvConfig, keyof LayerConfig>>;

  constructor({ filters, kernelSize, gain = 1, useBias = true, ...rest }: EqualConvConfig) {
    super(rest);
    this.options = { filters, kernelSize, gain, useBias };
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    const { filters, kernelSize, useBias } = this.options;
    this.addKernel([kernelSize, kernelSize, lastOf(this.name, onlyShape(shape)), filters], useBias ? 0 : undefined);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const { kernel, bias } = this.weightsOf(this.options.gain);
      const y = tf.conv2d(only(inputs) as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same');
      return bias === undefined ? y : tf.add(y, bias);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...onlyShape(shape).slice(0, -1), this.options.filters];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
tf.serialization.registerClass(EqualConv);

/** [n, size] → [n, units]. Kernels are to be drawn from N(0, 1 / rate²). */
export const equalDense = (config: EqualDenseConfig): tf.layers.Layer => new EqualDense(config);

/** [n, h, w, c] → [n, h, w, filters]. Kernels are to be drawn from N(0, 1). */
export const equalConv = (config: EqualConvConfig): tf.layers.Layer => new EqualConv(config);
