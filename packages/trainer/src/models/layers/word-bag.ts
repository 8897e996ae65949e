// A text as the mean of its words' vectors. Padding (id 0) counts for nothing, the order of the words neither.
import * as tf from '@tensorflow/tfjs';
import { only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link wordBag}. */
export interface WordBagConfig extends LayerConfig {
  /** Number of token ids, padding included. */
  words: number;
  /** Length of a word's vector. */
  size: number;
}

class WordBag extends tf.layers.Layer {
  static readonly className = 'ForjaWordBag';
  private readonly words: number;
  private readonly size: number;
  private table: tf.LayerVariable | undefined;

  constructor({ words, size, ...rest }: WordBagConfig) {
    super(rest);
    this.words = words;
    this.size = size;
  }

  override build(): void {
    this.table = this.addWeight('words', [this.words, this.size], 'float32', tf.initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { table } = this;
    if (table === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const ids = tf.cast(only(inputs), 'int32');
      const told = tf.cast(tf.notEqual(ids, 0), 'float32');
      const vectors = tf.mul(tf.gather(table.read(), ids), tf.expandDims(told, 2));
      return tf.div(tf.sum(vectors, 1), tf.maximum(tf.sum(told, 1, true), 1));
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [onlyShape(shape)[0] ?? null, this.size];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), words: this.words, size: this.size };
  }
}
tf.serialization.registerClass(WordBag);

/** Token ids [n, length], 0 padding → [n, size]; a text of padding alone is zeros. */
export const wordBag = (config: WordBagConfig): tf.layers.Layer => new WordBag(config);
