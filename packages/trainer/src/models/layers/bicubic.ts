// Bicubic enlargement as a convolution with fixed weights and a pixel shuffle, so that it works at every size: the
// baseline of super-resolution, to which the super-resolution network adds details.
import * as tf from '@tensorflow/tfjs';
import { lastOf, only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link bicubic}. */
export interface BicubicConfig extends LayerConfig {
  /** How much larger: 2, 3 or 4. */
  scale: number;
}

class Bicubic extends tf.layers.Layer {
  static readonly className = 'ForjaBicubic';
  private readonly scale: number;

  constructor({ scale, ...rest }: BicubicConfig) {
    super(rest);
    this.scale = scale;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return enlarged(only(inputs) as tf.Tensor4D, this.scale);
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null, h = null, w = null] = onlyShape(shape);
    const larger = (x: number | null): number | null => (x === null ? null : x * this.scale);
    return [n, larger(h), larger(w), lastOf(this.name, onlyShape(shape))];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), scale: this.scale };
  }
}
tf.serialization.registerClass(Bicubic);

/** [n, h, w, c] → [n, scale·h, scale·w, c], as `enlarged`. */
export const bicubic = (config: BicubicConfig): tf.layers.Layer => new Bicubic(config);

/** Neighbours on each side, in the small picture, that an enlarged pixel depends on. */
const REACH = 2;

/**
 * [n, h, w, c] → [n, scale·h, scale·w, c] with Keys' cubic kernel (a = −½, as in Matlab's imresize). Pixels are aligned
 * by their areas, and the border is repeated. Keys 1981, equation 15.
 */
export function enlarged(x: tf.Tensor4D, scale: number): tf.Tensor4D {
  return tf.tidy(() => {
    const channels = x.shape[3];
    const edge = 2 * REACH + 1;
    const taps = phases(scale);
    const weights = new Float32Array(edge * edge * channels * channels * scale * scale);
    for (let y = 0; y < edge; y++)
      for (let u = 0; u < edge; u++)
        for (let c = 0; c < channels; c++)
          for (let p = 0; p < scale * scale; p++)
            weights[((y * edge + u) * channels + c) * scale * scale * channels + p * channels + c] =
              taps[Math.floor(p / scale)]![y]! * taps[p % scale]![u]!;
    const filter = tf.tensor4d(weights, [edge, edge, channels, scale * scale * channels]);
    const border: [number, number][] = [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ];
    let padded = x;
    for (let i = 0; i < REACH; i++) padded = tf.mirrorPad(padded, border, 'symmetric'); // width 1: repeats the border
    return tf.depthToSpace(tf.conv2d(padded, filter, 1, 'valid'), scale);
  });
}

/** Weights of the neighbours −REACH … REACH for each of the `scale` pixels that one becomes. */
function phases(scale: number): number[][] {
  return Array.from({ length: scale }, (_, p) => {
    const at = (p + 0.5) / scale - 0.5; // in pixels of the small picture, measured from a pixel's centre
    return Array.from({ length: 2 * REACH + 1 }, (_, i) => cubic(at - (i - REACH)));
  });
}

function cubic(distance: number): number {
  const [a, x] = [-0.5, Math.abs(distance)];
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}
