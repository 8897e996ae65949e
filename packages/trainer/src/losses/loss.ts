// The contract of an adversarial loss: pure functions of what the discriminator says. One loss a file; index.ts names
// them.
import type * as tf from '@tensorflow/tfjs';

/** What the discriminator says of a batch. */
export interface Verdict {
  /** [n, 1], or a map [n, h, w, 1] of a discriminator that judges patches. Large: real. */
  readonly logits: tf.Tensor;
  /** Hidden layers by name, for feature matching. */
  readonly features?: Readonly<Record<string, tf.Tensor>>;
  /** Logits of classes [n, classes], of a discriminator that classifies too. */
  readonly classes?: tf.Tensor;
}

/**
 * What the discriminator and the generator minimise. Scalars out; values and slopes are finite for logits of any size.
 */
export interface GanLoss {
  readonly name: string;
  discriminator(real: Verdict, fake: Verdict): tf.Scalar;
  generator(fake: Verdict, real: Verdict): tf.Scalar;
  /** The generator's loss looks at real examples too, so its step needs them. */
  readonly relativistic?: boolean;
  /** The discriminator's loss is cross-entropy with targets 1 and 0, which `smoothed` may move. */
  readonly crossEntropy?: boolean;
  /**
   * The probability that an example is real, of logits of any shape, if D is at its optimum. Absent: the loss makes
   * logits no probability; greater still means more real.
   */
  readonly probability?: (logits: tf.Tensor) => tf.Tensor;
  /** Logits are only compared: their sign does not say what the discriminator takes an example for. */
  readonly signless?: boolean;
}
