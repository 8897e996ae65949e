// The discriminator's pace: its rate falls while it wins and rises while it loses, by a running average of what it gets
// right, which is state of the game.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { lossOf, type Verdict } from '../../losses/index.js';
import type { Update } from '../../optimizers/index.js';
import { namedVariable } from '../../tfjs/variables.js';
import type { PlayerOptions } from './options.js';
import { shareAbove } from './step.js';

/** What D's rate is multiplied by. */
export interface Pace {
  readonly state: readonly tf.Variable[];
  /** As the averages stand; undefined: always 1. */
  factor(): tf.Tensor | undefined;
  /** The averages after a batch in which D was right in this share. */
  follow(right: tf.Tensor): Update[];
}

/** One rule: its average, where that starts, and the factor that follows. */
interface Rule {
  average: tf.Variable;
  decay: number;
  factor(): tf.Tensor;
}

/** Slowing and boosting as the options say. */
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
 * Share that D gets right: examples on the right side of 0, or, of a relativistic loss, pairs in the right order.
 */
export function rightShare(loss: string, real: Verdict, fake: Verdict): tf.Tensor {
  return lossOf(loss).relativistic === true
    ? shareAbove(tf.sub(real.logits, fake.logits))
    : tf.div(tf.add(shareAbove(real.logits), shareAbove(tf.neg(fake.logits))), 2);
}

/**
 * Refuses a pace for a loss whose logits say nothing by their sign.
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
