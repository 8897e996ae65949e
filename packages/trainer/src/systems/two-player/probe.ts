// An occasional measurement for diagnoses, without side effects: how much generated examples differ from each other,
// how far they are from real ones, and whether the discriminator has memorised training examples.
import * as tf from '@tensorflow/tfjs';
import type { Phase, PhaseInput } from '../phase.js';
import { shareAbove, type Inputs } from './step.js';

/** Maximum number of examples measured. */
const MAX_EXAMPLES = 128;

/** Lower bound of the real examples' spread in the division; identical examples have spread 0. */
const MIN_SPREAD = 1e-6;

/** What the probe reads. Networks are applied in inference mode, so that no statistics change. */
export interface Looks {
  readonly batch: number;
  /** Number of examples that D judges together; the number of rows is a multiple of it. */
  readonly pack: number;
  /** Inputs of a batch of n training examples: `real`, and the networks' other inputs. */
  readonly inputs: (rows: number) => Phase['inputs'];
  /** Whether there are held-out examples. */
  readonly holdout: boolean;
  /** True if the sign of a logit is D's verdict. */
  readonly signed: boolean;
  generate(inputs: Inputs): tf.Tensor;
  /** Logits of examples, given the other `inputs`. */
  judge(examples: tf.Tensor, inputs: Inputs): tf.Tensor;
}

/** Name of a held-out input. */
const heldOut = (name: string): string => `${name}_holdout`;

/**
 * The probe of a game: `spread`, `apart`, and with a holdout `d_overfit`, `d_train` and `d_holdout` (shares that D
 * judges real, if the sign of logits is meaningful).
 */
export function probeOf({ batch, pack, inputs, holdout, signed, generate, judge }: Looks): Phase {
  const rows = Math.max(pack, Math.floor(Math.min(MAX_EXAMPLES, 4 * batch) / pack) * pack);
  const seen = inputs(rows);
  const held = Object.entries(seen).flatMap(([name, input]): [string, PhaseInput][] =>
    'data' in input.from ? [[heldOut(name), { ...input, from: { ...input.from, holdout: true } }]] : [],
  );
  return {
    name: 'probe',
    inputs: { ...seen, ...(holdout ? Object.fromEntries(held) : {}) },
    step: (given) => {
      const [real, fake] = [given['real'] as tf.Tensor, generate(given)];
      const scalars: Record<string, tf.Tensor> = {
        spread: tf.div(spreadOf(fake), tf.maximum(spreadOf(real), MIN_SPREAD)),
        apart: inhomogeneity(real, fake),
      };
      if (!holdout) return scalars;
      const ofHeld = Object.fromEntries(Object.keys(seen).map((name) => [name, given[heldOut(name)] ?? given[name]]));
      const onTrain = judge(real, given);
      const onHeld = judge(ofHeld['real'] as tf.Tensor, ofHeld as Inputs);
      return {
        ...scalars,
        d_overfit: shareOfPairs(onTrain, onHeld),
        ...(signed ? { d_train: shareAbove(onTrain), d_holdout: shareAbove(onHeld) } : {}),
      };
    },
  };
}

/** Root of the mean variance over the batch, [n, …] → a scalar; 0 if all examples are equal. */
export function spreadOf(examples: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.mean(tf.square(tf.sub(examples, tf.mean(examples, 0, true)))));
}

/**
 * Energy coefficient of inhomogeneity of two batches (Székely and Rizzo 2013, section 3): (2E|x − y| − E|x − x′| − E|y
 * − y′|) / 2E|x − y|. About 0 for equal distributions (it may be slightly negative, because the estimate is unbiased),
 * 1 for two different points.
 */
function inhomogeneity(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [x, y] = [a, b].map((t) => tf.reshape(t, [t.shape[0] ?? 1, -1])) as [tf.Tensor2D, tf.Tensor2D];
  const within = (t: tf.Tensor2D): tf.Tensor => {
    const n = t.shape[0];
    return tf.div(tf.sum(tf.mul(distances(t, t), tf.sub(1, tf.eye(n)))), Math.max(1, n * (n - 1)));
  };
  const between = tf.mul(2, tf.mean(distances(x, y)));
  return tf.div(tf.sub(tf.sub(between, within(x)), within(y)), tf.maximum(between, 1e-12));
}

function distances(x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor {
  const squares = (t: tf.Tensor2D): tf.Tensor => tf.sum(tf.square(t), 1, true);
  const products = tf.matMul(x, y, false, true);
  return tf.sqrt(tf.maximum(tf.add(tf.sub(squares(x), tf.mul(2, products)), tf.transpose(squares(y))), 0));
}

/** Share of pairs (one of a, one of b) in which that of a is larger; ties count half. 1/2 for equal distributions. */
function shareOfPairs(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const differences = tf.sub(tf.reshape(a, [-1, 1]), tf.reshape(b, [1, -1]));
  return tf.mean(tf.mul(tf.add(tf.sign(differences), 1), 0.5));
}
