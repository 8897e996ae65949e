// Path length regularisation of StyleGAN2: a step in w of fixed length changes the picture by an amount near its
// running mean. Karras et al. 2020, equation 4. It is a penalty on the generator and keeps a running mean, so it has
// its own contract.
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { namedVariable } from '../tfjs/variables.js';

/** What the penalty is computed from. */
export interface PathLengthOf {
  /** Pictures [n, h, w, c] of styles. */
  synthesise(w: tf.Tensor): tf.Tensor;
  /** Styles [n, size], or [n, layers, size]. */
  readonly w: tf.Tensor;
  readonly draw: { normal(name: string, shape: readonly number[]): tf.Tensor };
}

/** Path length regularisation with its running mean. */
export interface PathLength {
  /** Its only state: the running mean of lengths, `<name>/mean`, initially 0. */
  readonly mean: tf.Variable;
  /** The penalty, and the new running mean, which the step assigns to `mean`. */
  of(at: PathLengthOf): { penalty: tf.Scalar; mean: tf.Scalar };
}

/** Options of {@link pathLength}. */
export interface PathLengthOptions {
  /** Share of a batch's mean length in the running mean. Default 0.01. */
  decay?: number;
  /** Prefix of the variable's name. Default `path_length`. */
  name?: string;
}

/**
 * E(‖Jᵀy‖ − a)², with y ~ N(0, I) / √(h·w) and a the running mean including this batch. As in the authors' code,
 * squares are averaged over layers before the root, and the gradient flows through a.
 * @throws UsageError `config.invalid` for a decay outside (0, 1].
 */
export function pathLength(options: PathLengthOptions = {}): PathLength {
  const { decay = 0.01, name = 'path_length' } = optionsOf('path-length', options, 'decay name');
  if (!(decay > 0 && decay <= 1))
    throw new UsageError(`path-length.decay: expected a number above 0 up to 1, got ${shown(decay)}`, {
      code: 'config.invalid',
    });
  const mean = tf.tidy(() => namedVariable(`${name}/mean`, tf.scalar(0)));
  return {
    mean,
    of: ({ synthesise, w, draw }) => {
      const slope = tf.grad((at: tf.Tensor) => {
        const picture = synthesise(at);
        const pixels = (picture.shape[1] ?? 1) * (picture.shape[2] ?? 1);
        return tf.sum(tf.mul(picture, tf.div(draw.normal('direction', picture.shape), Math.sqrt(pixels))));
      })(w);
      const squares = tf.sum(tf.square(slope), -1);
      const lengths = tf.sqrt(tf.add(squares.rank === 1 ? squares : tf.mean(squares, 1), 1e-12));
      const moved = tf.add<tf.Scalar>(mean, tf.mul(tf.sub(tf.mean(lengths), mean), decay));
      return { penalty: tf.mean(tf.square(tf.sub(lengths, moved))), mean: moved };
    },
  };
}
