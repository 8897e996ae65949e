// The contract of an augmentation: pictures that the discriminator sees instead, made of pictures and of random numbers
// alone. One a file; index.ts names them.
import type * as tf from '@tensorflow/tfjs';

/** Random numbers of a step, one an example, [n, 1, 1, 1]. No two draws of an augmentation share a name. */
export interface AugmentDraw {
  /** From [0, 1). */
  uniform(name: string): tf.Tensor;
  /** Standard normal. */
  normal(name: string): tf.Tensor;
}

/** An augmentation. What a gradient cannot go through is of no use to the generator. */
export interface Augmentation {
  readonly name: string;
  /** Pictures [n, h, w, c] in [-1, 1] → pictures of the same shape. Each example draws numbers of its own. */
  of(pictures: tf.Tensor4D, draw: AugmentDraw): tf.Tensor4D;
}
