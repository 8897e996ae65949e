// Exponential moving average of weights, used for sampling (Yazıcı et al. 2019).
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { namedVariable } from '../tfjs/variables.js';
import type { Update } from './optimizer.js';
import { sideBySide } from './side-by-side.js';

/** Options of {@link ema}. */
export interface EmaOptions {
  /**
   * Use decay min(decay, (1 + n) / (10 + n)) at the n-th update (from 0), so that the initial weights are forgotten
   * quickly. Default false.
   */
  warmup?: boolean;
  /**
   * Variables that hold the averages, in order of `variables`. Default: new ones, `ema/<variable>`, starting at the
   * variables' values.
   */
  averages?: readonly tf.Variable[];
  /** Prefix of names. Default `ema`. */
  name?: string;
}

/** Options of one update of {@link ema}. */
export interface EmaAt {
  /** New values. Default: the variables', read now. */
  values?: readonly tf.Tensor[];
  /** The decay, if it follows a schedule. Default: the decay that the average was made with. */
  decay?: tf.Tensor | number | undefined;
  /** Factor of the change: 0 keeps the averages, 1 (the default) updates them fully. */
  share?: tf.Tensor | undefined;
}

/** A moving average of variables. */
export interface Ema {
  readonly averages: readonly tf.Variable[];
  /** The variables that it created itself: averages, and the warm-up's counter. */
  readonly state: readonly tf.Variable[];
  /** New averages: decay·average + (1 − decay)·value. Assigns nothing. A list is taken as `values`. */
  (at?: EmaAt | readonly tf.Tensor[]): Update[];
  dispose(): void;
}

/**
 * A moving average of `variables` for use inside a step. Makes its variables immediately: call it before the step is
 * traced, and call its result in the step.
 * @throws UsageError `input.range` for a decay outside [0, 1), `input.shape` for averages that do not fit.
 */
export function ema(variables: readonly tf.Variable[], decay: number, options: EmaOptions = {}): Ema {
  const { warmup = false, averages, name = 'ema' } = optionsOf('ema', options, 'averages name warmup');
  if (!Array.isArray(variables) || !variables.every((one) => 'assign' in (Object(one) as object)))
    throw new UsageError(`ema: expected a list of variables, got ${shown(variables)}`);
  if (!(decay >= 0 && decay < 1))
    throw new UsageError(`ema.decay: expected a number from 0 to below 1, got ${shown(decay)}`, {
      code: 'input.range',
    });
  if (
    averages !== undefined &&
    (averages.length !== variables.length || averages.some((a, i) => String(a.shape) !== String(variables[i]?.shape)))
  ) {
    throw new UsageError('ema.averages: expected one variable of equal shape for each averaged one', {
      code: 'input.shape',
    });
  }
  const own = averages === undefined ? variables.map((v) => namedVariable(`${name}/${v.name}`, v)) : [];
  const held = averages ?? own;
  const counter = warmup ? tf.tidy(() => namedVariable(`${name}/step`, tf.scalar(0))) : undefined;

  const update = (at: EmaAt | readonly tf.Tensor[] = {}): Update[] => {
    const { values = variables, decay: now = decay, share }: EmaAt = isList(at) ? { values: at } : at;
    // fewer operations than decay·a + (1 − decay)·v, and exact if a = v
    const least = typeof now === 'number' ? tf.scalar(1 - now) : tf.sub(1, now);
    const whole = counter === undefined ? least : tf.maximum(least, tf.div(9, tf.add(counter, 10)));
    const rest = share === undefined ? whole : tf.mul(whole, share);
    const pairs = held.map((average, i) => {
      const value = values[i];
      if (value === undefined)
        throw new UsageError(`ema: expected ${held.length} values, got ${values.length}`, { code: 'input.shape' });
      return [average, value];
    });
    const moved = sideBySide(pairs, ([average, value]) => [
      tf.add(average as tf.Tensor, tf.mul(tf.sub(value as tf.Tensor, average as tf.Tensor), rest)),
    ]); // the operands, in order
    // one for each pair
    const updates = held.map((variable, i): Update => ({ variable, value: moved[i]?.[0] as tf.Tensor }));
    return counter === undefined ? updates : [{ variable: counter, value: tf.add(counter, share ?? 1) }, ...updates];
  };
  return Object.assign(update, {
    averages: held,
    state: counter === undefined ? own : [counter, ...own],
    dispose: () => {
      for (const variable of own) variable.dispose();
      counter?.dispose();
    },
  });
}

function isList(at: EmaAt | readonly tf.Tensor[]): at is readonly tf.Tensor[] {
  return Array.isArray(at);
}
