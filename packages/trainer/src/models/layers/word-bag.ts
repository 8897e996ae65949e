// A text encoded as the mean of its words' vectors, optionally with terms for pairs of words (a convolution over two
// words and ReLU, Kim 2014), so that "red hair, blue clothes" differs from "blue hair, red clothes". Padding (id 0) is
// ignored.
import * as tf from '@tensorflow/tfjs';
import { only, onlyShape, type LayerConfig } from './layer.js';

/** Options of {@link wordBag}. */
export interface WordBagConfig extends LayerConfig {
  /** Number of token ids, padding included. */
  words: number;
  /** Length of a word's vector. */
  size: number;
  /**
   * Encode each word as a + ReLU(a + b), where a is its vector and b a second vector of the word before (or of
   * padding). The term a depends on the word alone, so unseen pairs still work; b starts at zero. Default false: the
   * order of words has no effect.
   */
  pairs?: boolean;
}

class WordBag extends tf.layers.Layer {
  static readonly className = 'ForjaWordBag';
  private readonly words: number;
  private readonly size: number;
  private readonly pairs: boolean;
  private table: tf.LayerVariable | undefined;
  private before: tf.LayerVariable | undefined;

  constructor({ words, size, pairs = false, ...rest }: WordBagConfig) {
    super(rest);
    this.words = words;
    this.size = size;
    this.pairs = pairs;
  }

  override build(): void {
    const table = (name: string): tf.LayerVariable =>
      this.addWeight(name, [this.words, this.size], 'float32', tf.initializers.zeros());
    this.table = table('words');
    if (this.pairs) this.before = table('before');
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { table, before } = this;
    if (table === undefined) throw new Error(`${this.name}: expected a built layer`);
    return tf.tidy(() => {
      const ids = tf.cast(only(inputs), 'int32');
      const mask = tf.cast(tf.notEqual(ids, 0), 'float32');
      const own = tf.gather(table.read(), ids);
      const read = before ? tf.add(own, tf.relu(tf.add(own, tf.gather(before.read(), previous(ids))))) : own;
      return tf.div(tf.sum(tf.mul(read, tf.expandDims(mask, 2)), 1), tf.maximum(tf.sum(mask, 1, true), 1));
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [onlyShape(shape)[0] ?? null, this.size];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), words: this.words, size: this.size, pairs: this.pairs };
  }
}
tf.serialization.registerClass(WordBag);

/** Each token's predecessor, with padding before the first token: [n, length] → the same. */
function previous(ids: tf.Tensor): tf.Tensor {
  const [n = 1, length = 1] = ids.shape;
  const first = tf.zerosLike(tf.slice(ids, [0, 0], [n, 1]));
  return length === 1 ? first : tf.concat([first, tf.slice(ids, [0, 0], [n, length - 1])], 1);
}

/** Token ids [n, length], 0 padding → [n, size]; the result is zeros for a text of nothing but padding. */
export const wordBag = (config: WordBagConfig): tf.layers.Layer => new WordBag(config);
