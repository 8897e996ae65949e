// How ADA finds its probability: it rises while the discriminator is surer of training pictures than it should be, and
// falls else. Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 3.1: r_t, the
// mean sign of what D says of them, and its target.
import * as tf from '@tensorflow/tfjs';
import { namedVariable } from '../tfjs/variables.js';

/** Options of {@link adaptiveProbability}. */
export interface AdaOptions {
  /** r_t that is aimed at, 0 to 1: 0, D does not know them; 1, it is sure of all. The paper: 0.6. */
  target: number;
  /** Training pictures in which p would go from 0 to 1. The paper: 500,000. */
  pictures: number;
}

/** The probability, and how it moves. */
export interface AdaptiveProbability {
  /** p, a scalar, from 0 to 1; at first 0. */
  readonly p: tf.Variable;
  /** p, and what was seen since it last moved: state. */
  readonly variables: readonly tf.Variable[];
  /** Counts what D says of a batch of training pictures; p moves every four batches. Returns the batch's r_t. */
  follow(logits: tf.Tensor): tf.Scalar;
}

/** Batches between two moves. */
const INTERVAL = 4;

/** State `ada/p`, `ada/signs`, `ada/batches`. */
export function adaptiveProbability({ target, pictures }: AdaOptions): AdaptiveProbability {
  const made = (name: string): tf.Variable => tf.tidy(() => namedVariable(`ada/${name}`, tf.scalar(0)));
  const [p, signs, batches] = [made('p'), made('signs'), made('batches')];
  return {
    p,
    variables: [p, signs, batches],
    follow: (logits) => {
      const sign = tf.mean<tf.Scalar>(tf.sign(logits));
      const [sum, count] = [tf.add(signs, sign), tf.add(batches, 1)];
      const due = tf.cast(tf.greaterEqual(count, INTERVAL), 'float32');
      const stride = (INTERVAL * (logits.shape[0] ?? 1)) / pictures;
      const direction = tf.sign(tf.sub(tf.div(sum, count), target));
      p.assign(tf.clipByValue(tf.add(p, tf.mul(due, tf.mul(direction, stride))), 0, 1));
      signs.assign(tf.mul(sum, tf.sub(1, due)));
      batches.assign(tf.mul(count, tf.sub(1, due)));
      return sign;
    },
  };
}
