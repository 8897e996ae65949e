// The contract of an augmentation: a pure function of pictures and random numbers, applied to what the discriminator
// sees. There is one augmentation per file; index.ts lists them.
import type * as tf from '@tensorflow/tfjs';

/** Random numbers of a step, one per example, [n, 1, 1, 1]. Each draw of an augmentation has its own name. */
export interface AugmentDraw {
  /** From [0, 1). */
  uniform(name: string): tf.Tensor;
  /** Standard normal. */
  normal(name: string): tf.Tensor;
}

/** An augmentation. It must be differentiable, because the generator's gradient flows through it. */
export interface Augmentation {
  readonly name: string;
  /** Pictures [n, h, w, c] in [-1, 1] → pictures of the same shape, each example with its own random numbers. */
  of(pictures: tf.Tensor4D, draw: AugmentDraw): tf.Tensor4D;
}
