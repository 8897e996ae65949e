// The networks of StyleGAN2 at small sizes: Karras et al. 2020, "Analyzing and Improving the Image Quality of
// StyleGAN". A mapping from z to w; a synthesis network of modulated convolutions, which sums pictures of growing size;
// and a residual discriminator. Unlike the paper, features are doubled by repeating pixels and halved by 2 × 2 means,
// without blurring.
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { checkWhole, joined, through } from './chain.js';
import {
  doublePicture,
  equalConv,
  equalDense,
  learnedConstant,
  minibatchDeviation,
  modulatedConv,
  noiseAndBias,
  styleAt,
} from './layers/index.js';

/** Gain of a leaky ReLU. Applied before it, which gives the same result as after it. */
const GAIN = Math.SQRT2;
/** Factor of the mapping's learning rate; its kernels are drawn from N(0, 1 / rate²). */
export const MAPPING_RATE = 0.01;

/** Options of {@link styleMapping}. */
export interface StyleMappingConfig {
  /** Size of z. Default 128. */
  latent?: number;
  /** Size of w. Default 128. */
  style?: number;
  /** Dense layers. Default 4. */
  depth?: number;
  /** Prefix of the layers' names. Default `mapping`. */
  name?: string;
}

/** Options of both synthesis and discriminator. */
export interface StylePictureConfig {
  /** Edge of the square pictures: 8, 16, 32, 64, 128 or 256. Default 32. */
  size?: number;
  /** Default 3. */
  channels?: number;
  /** Channels of the largest map, doubled at each smaller one. Default 32. */
  base?: number;
  /** Maximum number of channels of a map. Default 128. */
  widest?: number;
  /** Prefix of the layers' names. Default `synthesis`, `d`. */
  name?: string;
}

/** Options of {@link styleSynthesis}. */
export interface StyleSynthesisConfig extends StylePictureConfig {
  /** Size of w. Default 128. */
  style?: number;
}

/** Options of {@link styleDiscriminator}. */
export interface StyleDiscriminatorConfig extends StylePictureConfig {
  /** Pictures of a group of the minibatch standard deviation. Default 4. */
  group?: number;
}

const leaky = (name: string): tf.layers.Layer => tf.layers.leakyReLU({ alpha: 0.2, name: `${name}_leaky` });

/** Edges of the maps, 4 to `size`. @throws UsageError `config.invalid` for another size. */
export function styleMaps(size: number): number[] {
  const maps: number[] = [];
  for (let map = 4; map <= size && map <= 256; map *= 2) maps.push(map);
  if (maps.length < 2 || maps.at(-1) !== size)
    throw new UsageError(`stylegan.size: expected 8, 16, 32, 64, 128 or 256, got ${shown(size)}`, {
      code: 'config.invalid',
    });
  return maps;
}

/**
 * How many layers take a style: two per map. The layer that makes a map's picture shares the style of the next map's
 * first layer.
 */
export const styleLayers = (size: number): number => 2 * styleMaps(size).length;

/** Noise values per picture: one per pixel of each convolution's map. */
export const styleNoise = (size: number): number =>
  styleMaps(size).reduce((sum, map) => sum + (map === 4 ? 1 : 2) * map * map, 0);

const widthAt =
  ({ size = 32, base = 32, widest = 128 }: StylePictureConfig) =>
  (map: number): number =>
    Math.min(widest, (base * size) / map);

/** z [n, latent] → w [n, style]: z on the sphere of radius √latent, then dense layers. */
export function styleMapping(config: StyleMappingConfig = {}): tf.LayersModel {
  optionsOf('stylegan', config, 'depth latent name style');
  const { latent = 128, style = 128, depth = 4, name = 'mapping' } = config;
  checkWhole('stylegan', { latent, style, depth });
  const z = tf.input({ shape: [latent], name: `${name}/z` });
  const layers = Array.from({ length: depth }, (_, i) => [
    equalDense({ units: style, rate: MAPPING_RATE, gain: GAIN, name: `${name}/dense${i}` }),
    leaky(`${name}/dense${i}`),
  ]);
  return tf.model({ inputs: z, outputs: through(z, new UnitLength({ name: `${name}/unit` }), ...layers.flat()), name });
}

/** Rows [n, size] scaled to a mean square of 1. */
class UnitLength extends tf.layers.Layer {
  static readonly className = 'ForjaUnitLength';

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const z = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor; // the layer has one input
      return tf.mul(z, tf.rsqrt(tf.add(tf.mean(tf.square(z), -1, true), 1e-8)));
    });
  }
}
tf.serialization.registerClass(UnitLength);

/**
 * Styles [n, layers, style] and noise [n, numbers] → pictures [n, size, size, channels], not bounded. Convolutions are
 * `<name>/conv<map>_0` and `_1`, pictures `<name>/picture<map>`.
 */
export function styleSynthesis(config: StyleSynthesisConfig = {}): tf.LayersModel {
  optionsOf('stylegan', config, 'base channels name size style widest');
  const { size = 32, channels = 3, base = 32, widest = 128, style = 128, name = 'synthesis' } = config;
  checkWhole('stylegan', { channels, base, widest, style });
  const width = widthAt(config);
  const maps = styleMaps(size);
  const styles = tf.input({ shape: [2 * maps.length, style], name: `${name}/styles` });
  const noise = tf.input({ shape: [styleNoise(size)], name: `${name}/noise` });
  let [layer, from] = [0, 0];

  /** A convolution modulated by the style of layer `index`. */
  const modulated = (
    x: tf.SymbolicTensor,
    of: string,
    index: number,
    more: { filters: number; kernelSize: number; demodulate?: boolean; double?: boolean; gain?: number },
  ): tf.SymbolicTensor => {
    const affine = through(
      styles,
      styleAt({ index, name: `${of}_style` }),
      equalDense({ units: Number(x.shape.at(-1)), start: 1, name: `${of}_affine` }),
    );
    return joined(modulatedConv({ ...more, name: of }), x, affine);
  };
  const styled = (x: tf.SymbolicTensor, map: number, i: number, double: boolean): tf.SymbolicTensor => {
    const of = `${name}/conv${map}_${i}`;
    const y = modulated(x, of, layer++, { filters: width(map), kernelSize: 3, double, gain: GAIN });
    const noisy = joined(noiseAndBias({ from, name: `${of}_noise` }), y, noise);
    from += map * map;
    return through(noisy, leaky(of));
  };

  let x = through(styles, learnedConstant({ picture: [4, 4, width(4)], name: `${name}/start` }));
  let picture: tf.SymbolicTensor | undefined;
  for (const map of maps) {
    x = map === 4 ? styled(x, 4, 1, false) : styled(styled(x, map, 0, true), map, 1, false);
    const of = `${name}/picture${map}`;
    const own = through(
      modulated(x, of, layer, { filters: channels, kernelSize: 1, demodulate: false }),
      new Bias({ name: `${of}_bias` }),
    );
    picture =
      picture === undefined
        ? own
        : joined(tf.layers.add({ name: `${of}_sum` }), through(picture, doublePicture({ name: `${of}_double` })), own);
  }
  return tf.model({ inputs: [styles, noise], outputs: picture as tf.SymbolicTensor, name }); // set, as there are maps
}

/** Adds a learnt number per channel. */
class Bias extends tf.layers.Layer {
  static readonly className = 'ForjaBias';
  private own: tf.LayerVariable | undefined;

  override build(shape: tf.Shape | tf.Shape[]): void {
    const size = (shape as tf.Shape).at(-1) ?? 1; // the layer has one input
    this.own = this.addWeight('bias', [size], 'float32', tf.initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { own } = this;
    if (own === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => tf.add((Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor, own.read())); // one input
  }
}
tf.serialization.registerClass(Bias);

/**
 * Pictures [n, size, size, channels] → logits [n, 1]: residual blocks that halve, minibatch standard deviation, two
 * dense layers. A block is `<name>/block<map>_a`, `_b`, `_skip`.
 */
export function styleDiscriminator(config: StyleDiscriminatorConfig = {}): tf.LayersModel {
  optionsOf('stylegan', config, 'base channels group name size widest');
  const { size = 32, channels = 3, base = 32, widest = 128, group = 4, name = 'd' } = config;
  checkWhole('stylegan', { channels, base, widest, group });
  const width = widthAt(config);
  const conv = (of: string, filters: number, kernelSize = 3): tf.layers.Layer =>
    equalConv({ filters, kernelSize, gain: GAIN, name: of });
  const halve = (of: string): tf.layers.Layer =>
    tf.layers.averagePooling2d({ poolSize: 2, strides: 2, name: `${of}_pool` });
  const input = tf.input({ shape: [size, size, channels], name: `${name}/input` });
  let x = through(input, conv(`${name}/picture`, width(size), 1), leaky(`${name}/picture`));
  for (const map of styleMaps(size).reverse().slice(0, -1)) {
    const of = `${name}/block${map}`;
    const a = through(
      x,
      conv(`${of}_a`, width(map)),
      leaky(`${of}_a`),
      halve(`${of}_b`),
      // each path has half the variance, so that the sum keeps it
      equalConv({ filters: width(map / 2), kernelSize: 3, gain: GAIN * Math.SQRT1_2, name: `${of}_b` }),
      leaky(`${of}_b`),
    );
    const skip = through(
      x,
      halve(`${of}_skip`),
      equalConv({
        filters: width(map / 2),
        kernelSize: 1,
        gain: Math.SQRT1_2,
        useBias: false,
        name: `${of}_skip`,
      }),
    );
    x = joined(tf.layers.add({ name: of }), a, skip);
  }
  const logits = through(
    x,
    minibatchDeviation({ group, name: `${name}/deviation` }),
    conv(`${name}/last`, width(4)),
    leaky(`${name}/last`),
    tf.layers.flatten({ name: `${name}/flatten` }),
    equalDense({ units: width(4), gain: GAIN, name: `${name}/dense0` }),
    leaky(`${name}/dense0`),
    equalDense({ units: 1, name: `${name}/dense1` }),
  );
  return tf.model({ inputs: input, outputs: logits, name });
}
