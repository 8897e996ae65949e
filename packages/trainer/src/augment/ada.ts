// How ADA adapts its probability: it rises while the discriminator is too sure of training pictures (r_t, the mean sign
// of their logits, is above its target) and falls otherwise. Karras et al. 2020, "Training Generative Adversarial
// Networks with Limited Data", section 3.1.
import * as tf from '@tensorflow/tfjs';
import { namedVariable } from '../tfjs/variables.js';

/** Options of {@link adaptiveProbability}. */
export interface AdaOptions {
  /** Target of r_t, from 0 (D is at chance) to 1 (D is sure of all). The paper: 0.6. */
  target: number;
  /**
   * Number of training pictures after which p has risen from 0 to 1 if it rises at every update. The paper: 500,000.
   */
  pictures: number;
}

/** The probability p, and the rule that updates it. */
export interface AdaptiveProbability {
  /** p, a scalar, from 0 to 1; at first 0. */
  readonly p: tf.Variable;
  /** All state: p, and the sums collected since its last update. */
  readonly variables: readonly tf.Variable[];
  /** Takes D's logits of a batch of training pictures; updates p every four batches. Returns the batch's r_t. */
  follow(logits: tf.Tensor): tf.Scalar;
}

/** Batches between updates of p. */
const INTERVAL = 4;

/** Creates the probability, with the state variables `ada/p`, `ada/signs` and `ada/batches`. */
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
