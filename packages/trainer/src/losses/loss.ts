// The contract of an adversarial loss: pure functions of the discriminator's outputs. There is one loss per file;
// index.ts lists them.
import type * as tf from '@tensorflow/tfjs';

/** The discriminator's outputs for a batch. */
export interface Verdict {
  /** [n, 1], or a map [n, h, w, 1] of a patch discriminator. Greater means more real. */
  readonly logits: tf.Tensor;
  /** Hidden layers by name, for feature matching. */
  readonly features?: Readonly<Record<string, tf.Tensor>>;
  /** Class logits [n, classes], if the discriminator also classifies. */
  readonly classes?: tf.Tensor;
}

/**
 * What the discriminator and the generator minimise: scalars. Values and gradients are finite for logits of any size.
 */
export interface GanLoss {
  readonly name: string;
  discriminator(real: Verdict, fake: Verdict): tf.Scalar;
  generator(fake: Verdict, real: Verdict): tf.Scalar;
  /** The generator's loss also depends on real examples, so its step needs them. */
  readonly relativistic?: boolean;
  /** The discriminator's loss is cross-entropy with targets 1 and 0, which `smoothed` can change. */
  readonly crossEntropy?: boolean;
  /**
   * The probability that an example is real, from logits of any shape, for an optimal D. Absent if logits of this loss
   * do not correspond to probabilities; a greater logit then only means "more real".
   */
  readonly probability?: (logits: tf.Tensor) => tf.Tensor;
  /** Logits are only compared with each other: their sign means nothing. */
  readonly signless?: boolean;
}
