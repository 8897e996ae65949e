// Small parts of StyleGAN2's generator: the constant that pictures start from, a layer's style, and noise with a learnt
// strength. Karras et al. 2019 and 2020.
import * as tf from '@tensorflow/tfjs';
import { both, lastOf, only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link learnedConstant}. */
export interface LearnedConstantConfig extends LayerConfig {
  /** Shape of one picture. */
  picture: readonly [height: number, width: number, channels: number];
}

class LearnedConstant extends tf.layers.Layer {
  static readonly className = 'ForjaLearnedConstant';
  private readonly picture: readonly [number, number, number];
  private own: tf.LayerVariable | undefined;

  constructor({ picture, ...rest }: LearnedConstantConfig) {
    super(rest);
    this.picture = picture;
  }

  override build(): void {
    this.own = this.addWeight('constant', [1, ...this.picture], 'float32', tf.initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { own } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => tf.tile(own.read(), [only(inputs).shape[0] ?? 1, 1, 1, 1]));
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [onlyShape(shape)[0] ?? null, ...this.picture];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), picture: [...this.picture] };
  }
}
tf.serialization.registerClass(LearnedConstant);

/** Any tensor [n, …] → the constant repeated n times, [n, height, width, channels]. */
export const learnedConstant = (config: LearnedConstantConfig): tf.layers.Layer => new LearnedConstant(config);

/** Options of {@link styleAt}. */
export interface StyleAtConfig extends LayerConfig {
  /** Number of the layer, from 0. */
  index: number;
}

class StyleAt extends tf.layers.Layer {
  static readonly className = 'ForjaStyleAt';
  private readonly index: number;

  constructor({ index, ...rest }: StyleAtConfig) {
    super(rest);
    this.index = index;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const styles = only(inputs) as tf.Tensor3D;
      const [n, , size] = styles.shape;
      return tf.slice(styles, [0, this.index, 0], [n, 1, size]).reshape([n, size]);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null, , size = null] = onlyShape(shape);
    return [n, size];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), index: this.index };
  }
}
tf.serialization.registerClass(StyleAt);

/** Styles [n, layers, size] → those of one layer, [n, size]. */
export const styleAt = (config: StyleAtConfig): tf.layers.Layer => new StyleAt(config);

/** Options of {@link noiseAndBias}. */
export interface NoiseAndBiasConfig extends LayerConfig {
  /** Offset of this layer's noise in the row of noise. */
  from: number;
}

class NoiseAndBias extends tf.layers.Layer {
  static readonly className = 'ForjaNoiseAndBias';
  private readonly from: number;
  private own: { strength: tf.LayerVariable; bias: tf.LayerVariable } | undefined;

  constructor({ from, ...rest }: NoiseAndBiasConfig) {
    super(rest);
    this.from = from;
  }

  override build(shape: tf.Shape | tf.Shape[]): void {
    const channels = lastOf(this.name, (shape as tf.Shape[])[0] ?? []); // the shapes of pictures and of noise
    const zeros = tf.initializers.zeros();
    this.own = {
      strength: this.addWeight('strength', [1], 'float32', zeros),
      bias: this.addWeight('bias', [channels], 'float32', zeros),
    };
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { own, from } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const [x, noise] = both(this.name, inputs);
      const [n = 1, h = 1, w = 1] = x.shape;
      const part = tf.slice(noise, [0, from], [n, h * w]).reshape([n, h, w, 1]);
      return tf.add(tf.add(x, tf.mul(part, own.strength.read())), own.bias.read());
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return (shape as tf.Shape[])[0] ?? []; // as in build
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), from: this.from };
  }
}
tf.serialization.registerClass(NoiseAndBias);

/**
 * Pictures [n, h, w, c] and noise of all layers [n, …] → the pictures plus noise (one number per pixel) and a bias per
 * channel.
 */
export const noiseAndBias = (config: NoiseAndBiasConfig): tf.layers.Layer => new NoiseAndBias(config);

class DoublePicture extends tf.layers.Layer {
  static readonly className = 'ForjaDoublePicture';

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = only(inputs) as tf.Tensor4D;
      const [, h, w] = x.shape;
      return tf.image.resizeBilinear(x, [2 * h, 2 * w], false, true);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null, h, w, c = null] = onlyShape(shape);
    return [n, 2 * (h ?? 0), 2 * (w ?? 0), c];
  }
}
tf.serialization.registerClass(DoublePicture);

/** Pictures of twice the edge by linear interpolation: the filter [1, 3, 3, 1] of StyleGAN2. */
export const doublePicture = (config: LayerConfig): tf.layers.Layer => new DoublePicture(config);
