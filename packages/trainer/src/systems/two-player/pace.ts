// The discriminator's pace: its learning rate falls while it wins and rises while it loses, according to a running
// average of its accuracy. The average is state.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { lossOf, type Verdict } from '../../losses/index.js';
import type { Update } from '../../optimizers/index.js';
import { namedVariable } from '../../tfjs/variables.js';
import type { PlayerOptions } from './options.js';
import { shareAbove } from './step.js';

/** A factor of D's learning rate. */
export interface Pace {
  readonly state: readonly tf.Variable[];
  /** The factor for the current averages; undefined if it is always 1. */
  factor(): tf.Tensor | undefined;
  /** Updates of the averages after a batch in which D had this accuracy. */
  follow(accuracy: tf.Tensor): Update[];
}

/** One rule: its running average, and the factor that follows from it. */
interface Rule {
  average: tf.Variable;
  decay: number;
  factor(): tf.Tensor;
}

/** The pace of the options `slowD` and `boostD`. */
export function paceOf({ slowD, boostD }: Pick<PlayerOptions, 'slowD' | 'boostD'>): Pace {
  const average = (name: string, start: number): tf.Variable =>
    tf.tidy(() => namedVariable(`pace/${name}`, tf.scalar(start)));
  const rules: Rule[] = [];
  if (slowD !== undefined) {
    const { above, least, decay } = slowD;
    const accuracy = average('slow', 0.5);
    const slack = (): tf.Tensor => tf.div(tf.sub(1, accuracy), 1 - above); // 1 at accuracy `above`, 0 at accuracy 1
    rules.push({ average: accuracy, decay, factor: () => tf.clipByValue(slack(), least, 1) });
  }
  if (boostD !== undefined) {
    const { below, most, decay } = boostD;
    const accuracy = average('boost', below);
    const deficit = (): tf.Tensor => tf.clipByValue(tf.div(tf.sub(below, accuracy), below - 0.5), 0, 1);
    rules.push({ average: accuracy, decay, factor: () => tf.add(1, tf.mul(deficit(), most - 1)) });
  }
  return {
    state: rules.map((rule) => rule.average),
    factor: () => {
      const [first, second] = rules.map((rule) => rule.factor());
      return first === undefined || second === undefined ? first : tf.mul(first, second);
    },
    follow: (accuracy) =>
      rules.map(({ average: variable, decay }) => ({
        variable,
        value: tf.add(tf.mul(variable, decay), tf.mul(accuracy, 1 - decay)),
      })),
  };
}

/**
 * D's accuracy: share of logits on the right side of 0, or, with a relativistic loss, of pairs in the right order.
 */
export function accuracyOf(loss: string, real: Verdict, fake: Verdict): tf.Tensor {
  return lossOf(loss).relativistic === true
    ? shareAbove(tf.sub(real.logits, fake.logits))
    : tf.div(tf.add(shareAbove(real.logits), shareAbove(tf.neg(fake.logits))), 2);
}

/**
 * Refuses a pace for a loss in which the sign of a logit has no meaning.
 * @throws UsageError `config.invalid`.
 */
export function checkPace({ loss, slowD, boostD }: PlayerOptions): void {
  const field = slowD !== undefined ? 'slowD' : boostD !== undefined ? 'boostD' : undefined;
  if (field === undefined || lossOf(loss).signless !== true) return;
  throw new UsageError(
    `config.${field}: expected a loss with a decision threshold, so that the discriminator has an accuracy, ` +
      `got '${loss}'; leave ${field} out`,
    { code: 'config.invalid' },
  );
}
