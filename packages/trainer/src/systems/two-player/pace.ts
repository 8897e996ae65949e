// The discriminator's pace: its rate falls while it wins and rises while it loses, according to a running average of
// its accuracy, which is state.
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
  /** From the present averages; undefined: always 1. */
  factor(): tf.Tensor | undefined;
  /** Updates of the averages after a batch in which D had this accuracy. */
  follow(right: tf.Tensor): Update[];
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
    const right = average('slow', 0.5);
    const left = (): tf.Tensor => tf.div(tf.sub(1, right), 1 - above); // 1 at `above`, 0 where it is always right
    rules.push({ average: right, decay, factor: () => tf.clipByValue(left(), least, 1) });
  }
  if (boostD !== undefined) {
    const { below, most, decay } = boostD;
    const right = average('boost', below);
    const lost = (): tf.Tensor => tf.clipByValue(tf.div(tf.sub(below, right), below - 0.5), 0, 1);
    rules.push({ average: right, decay, factor: () => tf.add(1, tf.mul(lost(), most - 1)) });
  }
  return {
    state: rules.map((rule) => rule.average),
    factor: () => {
      const [first, second] = rules.map((rule) => rule.factor());
      return first === undefined || second === undefined ? first : tf.mul(first, second);
    },
    follow: (right) =>
      rules.map(({ average: variable, decay }) => ({
        variable,
        value: tf.add(tf.mul(variable, decay), tf.mul(right, 1 - decay)),
      })),
  };
}

/**
 * D's accuracy: share of logits on the right side of 0, or, with a relativistic loss, of pairs in the right order.
 */
export function rightShare(loss: string, real: Verdict, fake: Verdict): tf.Tensor {
  return lossOf(loss).relativistic === true
    ? shareAbove(tf.sub(real.logits, fake.logits))
    : tf.div(tf.add(shareAbove(real.logits), shareAbove(tf.neg(fake.logits))), 2);
}

/**
 * Refuses a pace with a loss for which the sign of a logit means nothing.
 * @throws UsageError `config.invalid`.
 */
export function checkPace({ loss, slowD, boostD }: PlayerOptions): void {
  const field = slowD !== undefined ? 'slowD' : boostD !== undefined ? 'boostD' : undefined;
  if (field === undefined || lossOf(loss).signless !== true) return;
  throw new UsageError(
    `config.${field}: expected a loss by which the discriminator is right or wrong, got '${loss}', whose logits have no zero; leave ${field} out`,
    { code: 'config.invalid' },
  );
}
