// Pixel shuffle: channels become the pixels of a block, so that a convolution at the small size enlarges a picture (Shi
// et al. 2016, section 3.2).
import * as tf from '@tensorflow/tfjs';
import { lastOf, only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link pixelShuffle}. */
export interface PixelShuffleConfig extends LayerConfig {
  /** Edge of a block: how much larger the picture becomes. */
  scale: number;
}

class PixelShuffle extends tf.layers.Layer {
  static readonly className = 'ForjaPixelShuffle';
  readonly scale: number;

  constructor({ scale, ...rest }: PixelShuffleConfig) {
    super(rest);
    this.scale = scale;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.depthToSpace(only(inputs) as tf.Tensor4D, this.scale);
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null, h = null, w = null] = onlyShape(shape);
    const larger = (x: number | null): number | null => (x === null ? null : x * this.scale);
    return [n, larger(h), larger(w), lastOf(this.name, onlyShape(shape)) / this.scale ** 2];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), scale: this.scale };
  }
}
tf.serialization.registerClass(PixelShuffle);

/** [n, h, w, scale²·c] → [n, scale·h, scale·w, c]; channel (y·scale + x)·c + k is channel k of the pixel (y, x). */
export const pixelShuffle = (config: PixelShuffleConfig): tf.layers.Layer => new PixelShuffle(config);

/** For each layer whose output is pixel-shuffled: the pixels per block, by the name of its kernel (weight). */
export function shuffledBy(model: tf.LayersModel): Map<string, number> {
  const found = new Map<string, number>();
  for (const layer of model.layers)
    if (layer instanceof PixelShuffle)
      for (const before of layer.inboundNodes.flatMap(({ inboundLayers }) => inboundLayers))
        for (const { originalName } of before.weights)
          if (originalName.endsWith('/kernel')) found.set(originalName, layer.scale ** 2);
  return found;
}
