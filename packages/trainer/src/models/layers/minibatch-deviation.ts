// Minibatch standard deviation: an extra channel with the mean deviation within a group of pictures. Karras et al.
// 2018, section 3; groups as in StyleGAN2's code.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link minibatchDeviation}. */
export interface MinibatchDeviationConfig extends LayerConfig {
  /** Size of a group; a batch is a multiple of it, or smaller. Default 4. */
  group?: number;
}

class MinibatchDeviation extends tf.layers.Layer {
  static readonly className = 'ForjaMinibatchDeviation';
  private readonly group: number;

  constructor({ group = 4, ...rest }: MinibatchDeviationConfig = {}) {
    super(rest);
    this.group = group;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = only(inputs);
      const [n = 1, h = 1, w = 1, c = 1] = x.shape;
      const group = Math.min(this.group, n);
      if (n % group !== 0)
        throw new UsageError(`${this.name}: expected a batch that is a multiple of the group ${group}, got ${n}`, {
          code: 'input.shape',
        });
      const groups = x.reshape([group, n / group, h * w * c]);
      const centred = tf.sub(groups, tf.mean(groups, 0, true));
      const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), 0), 1e-8)); // [groups, h·w·c]
      const each = tf.tile(tf.mean(deviation, 1).reshape([1, n / group]), [group, 1]).reshape([n, 1, 1, 1]);
      return tf.concat([x, tf.tile(each, [1, h, w, 1])], 3);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const of = onlyShape(shape);
    return [...of.slice(0, -1), (of.at(-1) ?? 0) + 1];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), group: this.group };
  }
}
tf.serialization.registerClass(MinibatchDeviation);

/** [n, h, w, c] → [n, h, w, c + 1]. */
export const minibatchDeviation = (config?: MinibatchDeviationConfig): tf.layers.Layer =>
  new MinibatchDeviation(config);
