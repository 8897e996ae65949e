// Padding by reflection, so that a picture's border looks like its inside (Zhu et al. 2017, appendix 7.2).
import * as tf from '@tensorflow/tfjs';
import { only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link reflectPad}. */
export interface ReflectPadConfig extends LayerConfig {
  /** Rows and columns on each side. */
  by: number;
}

class ReflectPad extends tf.layers.Layer {
  static readonly className = 'ForjaReflectPad';
  private readonly by: number;

  constructor({ by, ...rest }: ReflectPadConfig) {
    super(rest);
    this.by = by;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { by } = this;
    return tf.mirrorPad(
      only(inputs),
      [
        [0, 0],
        [by, by],
        [by, by],
        [0, 0],
      ],
      'reflect',
    );
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n = null, h = null, w = null, c = null] = onlyShape(shape);
    const wider = (x: number | null): number | null => (x === null ? null : x + 2 * this.by);
    return [n, wider(h), wider(w), c];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), by: this.by };
  }
}
tf.serialization.registerClass(ReflectPad);

/** [n, h, w, c] → [n, h + 2·by, w + 2·by, c]. */
export const reflectPad = (config: ReflectPadConfig): tf.layers.Layer => new ReflectPad(config);
