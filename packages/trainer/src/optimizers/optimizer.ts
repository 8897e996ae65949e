// The contract of an optimizer: a function from variables, gradients and a rate to new values, so that it runs both
// eagerly and traced. Its state is in tf.Variables made beforehand by `prepare`: a traced step cannot make variables.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { namedVariable } from '../tfjs/variables.js';
import { sideBySide } from './side-by-side.js';

/** A variable and its new value. */
export interface Update {
  variable: tf.Variable;
  value: tf.Tensor;
}

/** Gradients in the variables' order, or by variable name as `tf.variableGrads` returns them. */
export type Gradients = readonly tf.Tensor[] | Readonly<Record<string, tf.Tensor>>;

/** Computes updates; assigns nothing. `rate` is a scalar tensor, so a schedule needs no new graph. */
export interface Optimizer {
  /** @throws UsageError when `variables` were not prepared, or a gradient is missing. */
  (variables: readonly tf.Variable[], gradients: Gradients, rate: tf.Tensor): Update[];
  /**
   * Makes the optimizer's own variables (moments at 0, counter at 0) for these variables, once. Returns the optimizer.
   */
  prepare(variables: readonly tf.Variable[]): Optimizer;
  /** The optimizer's own variables: its counter first, if it has one, then `<variable>/<slot>` for each slot. */
  readonly state: readonly tf.Variable[];
  dispose(): void;
}

/** The arithmetic of an optimizer. `slots` are its state per variable (moments), all starting at 0. */
export interface Rule<Slot extends string, Shared> {
  name: string;
  slots: readonly Slot[];
  /**
   * Values shared by all variables, computed from the rate and, if the rule counts, the number of this step (from 1).
   */
  shared: (rate: tf.Tensor, count: tf.Tensor | undefined) => Shared;
  counts: boolean;
  /**
   * New value of one variable and of its slots. Must be element-wise: it may be given many variables concatenated in
   * one vector.
   */
  one: (
    variable: tf.Tensor,
    gradient: tf.Tensor,
    slots: Record<Slot, tf.Tensor>,
    shared: Shared,
  ) => { value: tf.Tensor } & Record<Slot, tf.Tensor>;
}

/** An optimizer that follows `rule`. `name` prefixes the counter's name. */
export function optimizer<Slot extends string, Shared>(rule: Rule<Slot, Shared>, name: string): Optimizer {
  const memory = new Map<tf.Variable, Record<Slot, tf.Variable>>();
  let counter: tf.Variable | undefined;
  const own = (called: string, shape: readonly number[]): tf.Variable =>
    tf.tidy(() => namedVariable(called, tf.zeros([...shape])));

  const update = (variables: readonly tf.Variable[], gradients: Gradients, rate: tf.Tensor): Update[] => {
    if (rule.counts && counter === undefined && variables.length > 0) throw unprepared(name, variables[0]);
    const count = counter === undefined ? undefined : tf.add(counter, 1);
    const shared = rule.shared(rate, count);
    const updates: Update[] = counter === undefined || count === undefined ? [] : [{ variable: counter, value: count }];
    const items = variables.map((variable, i) => {
      const slots = memory.get(variable);
      if (slots === undefined) throw unprepared(name, variable);
      const gradient = gradientOf(gradients, variable, i);
      if (gradient === undefined)
        throw new UsageError(
          `${name}: expected a gradient of variable '${variable.name}', got none; the loss does not depend on it`,
        );
      return { variable, gradient, slots: rule.slots.map((slot) => slots[slot]) };
    });
    const results = sideBySide(
      items.map(({ variable, gradient, slots }) => [variable, gradient, ...slots]),
      ([variable, gradient, ...slots]) => {
        const next = rule.one(
          variable as tf.Tensor,
          gradient as tf.Tensor,
          Object.fromEntries(rule.slots.map((slot, i) => [slot, slots[i]])) as Record<Slot, tf.Tensor>,
          shared,
        ); // the operands, in order
        return [next.value, ...rule.slots.map((slot) => next[slot])];
      },
    );
    items.forEach(({ variable, slots }, i) => {
      // value, then slots
      updates.push(...[variable, ...slots].map((one, j) => ({ variable: one, value: results[i]?.[j] as tf.Tensor })));
    });
    return updates;
  };

  const made: Optimizer = Object.assign(update, {
    prepare: (variables: readonly tf.Variable[]): Optimizer => {
      if (rule.counts) counter ??= own(`${name}/step`, []);
      for (const variable of variables) {
        if (memory.has(variable)) continue;
        memory.set(
          variable,
          Object.fromEntries(
            rule.slots.map((slot) => [slot, own(`${variable.name}/${slot}`, variable.shape)]),
          ) as Record<Slot, tf.Variable>,
        ); // keys are rule.slots
      }
      return made;
    },
    state: [] as tf.Variable[],
    dispose: () => {
      for (const variable of made.state) variable.dispose();
      memory.clear();
      counter = undefined;
    },
  });
  Object.defineProperty(made, 'state', {
    get: () => [
      ...(counter === undefined ? [] : [counter]),
      ...[...memory.values()].flatMap((slots) => rule.slots.map((slot) => slots[slot])),
    ],
  });
  return made;
}

/** Assigns the values: the only place where a step changes variables. */
export function applyUpdates(updates: readonly Update[]): void {
  for (const { variable, value } of updates) variable.assign(value);
}

function isList(gradients: Gradients): gradients is readonly tf.Tensor[] {
  return Array.isArray(gradients);
}

function gradientOf(gradients: Gradients, variable: tf.Variable, index: number): tf.Tensor | undefined {
  return isList(gradients) ? gradients[index] : gradients[variable.name];
}

function unprepared(name: string, variable: tf.Variable | undefined): UsageError {
  return new UsageError(
    `${name}: expected prepared variables, got '${variable?.name ?? ''}', which is not prepared; call ` +
      'prepare(variables) before the step',
  );
}
