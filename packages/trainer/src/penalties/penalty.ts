// The contract of a penalty on the discriminator, most of them on its gradient. There is one penalty per file; index.ts
// lists them. The two-player system decides its weight (λ, γ) and how often it is applied.
import type * as tf from '@tensorflow/tfjs';

/** What a penalty is computed from. */
export interface PenaltyOf {
  /** The discriminator's logits of examples. */
  judge(x: tf.Tensor): tf.Tensor;
  /** The same for examples as they are; `judge` augments them first if the game does. Default: `judge`. */
  plain?(x: tf.Tensor): tf.Tensor;
  /** Augments pictures as the game does; flips and shifts if it does not. */
  augment?(x: tf.Tensor): tf.Tensor;
  readonly real: tf.Tensor;
  readonly fake: tf.Tensor;
  /** Random numbers of a step, by name. */
  readonly draw: {
    /** From [0, 1). */
    uniform(name: string, shape: readonly number[]): tf.Tensor;
    /** Standard normal. */
    normal(name: string, shape: readonly number[]): tf.Tensor;
  };
}

/** A penalty with its parameters. */
export interface Penalty {
  readonly name: string;
  /** True if the examples must be pictures. */
  readonly pictures?: boolean;
  of(at: PenaltyOf): tf.Scalar;
}
