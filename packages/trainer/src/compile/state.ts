// State between tf.Variables (logical layout) and the executor (the order that the graph wants): reordered here, at
// load and save only.
import { UsageError, checkTensor, type NamedTensors, type StateBinding, type Tensor } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Lowered, StateLayout } from '../lower/lower.js';
import { inverse, permuted } from '../lower/permute.js';
import { dataOf, type ConstantData } from '../program/program.js';
import type { StepState } from './step.js';

const splitShape = (layout: StateLayout): readonly number[] => layout.split ?? layout.shape;
const physicalShape = (layout: StateLayout): number[] => layout.perm.map((axis) => splitShape(layout)[axis] ?? 1);

/** The layouts of a lowered step's state, by variable name. */
export class StateLayouts {
  readonly #layouts: ReadonlyMap<string, StateLayout>;

  constructor({ state, fixed }: Pick<Lowered, 'state' | 'fixed'>) {
    this.#layouts = new Map([...state, ...fixed].map((layout) => [layout.input, layout]));
  }

  /** The session's state, starting at the variables' present values. */
  bindings(variables: ReadonlyMap<string, tf.Variable>): Record<string, StateBinding> {
    return Object.fromEntries(
      [...this.#layouts.values()].map((layout) => {
        const variable = variables.get(layout.input);
        if (variable === undefined) throw new UsageError(`state.${layout.input}: expected a variable, got none`);
        return [layout.input, { output: layout.output, initial: this.#stored(layout, readVariable(variable)) }];
      }),
    );
  }

  /** Values for the executor. @throws UsageError for a name that is no state, or a value that does not fit. */
  stored(state: StepState): NamedTensors {
    return Object.fromEntries(
      Object.entries(state).map(([name, value]) => {
        const layout = this.#at(name);
        checkTensor(`load.${name}`, { dtype: layout.dtype, shape: layout.shape }, value);
        return [name, this.#stored(layout, value)];
      }),
    );
  }

  /** Values from the executor, in logical layout. */
  logical(values: NamedTensors): StepState {
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const layout = this.#at(name);
        return [
          name,
          {
            dtype: layout.dtype,
            shape: [...layout.shape],
            data: permuted(value.data as ConstantData, physicalShape(layout), inverse(layout.perm)),
          },
        ]; // the dtypes of programs
      }),
    );
  }

  /** Fails for a name that is no state. */
  check(names: readonly string[]): void {
    for (const name of names) this.#at(name);
  }

  #stored(layout: StateLayout, value: Tensor): Tensor {
    return {
      dtype: layout.dtype,
      shape: physicalShape(layout),
      data: permuted(value.data as ConstantData, splitShape(layout), layout.perm),
    }; // checked, or a variable's own
  }

  #at(name: string): StateLayout {
    const layout = this.#layouts.get(name);
    if (layout === undefined)
      throw new UsageError(
        `state.${name}: expected one of ${[...this.#layouts.keys()].join(', ') || '(this step has no state)'}`,
      );
    return layout;
  }
}

/** A copy of a variable's value. */
export function readVariable(variable: tf.Variable): Tensor {
  const { dtype } = variable;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
    throw new UsageError(`variable ${variable.name}: expected dtype float32, int32 or bool, got ${dtype}`);
  return { dtype, shape: [...variable.shape], data: dataOf(variable.dataSync(), dtype) };
}

/** Sets a variable to a value of its own shape and type. */
export function writeVariable(variable: tf.Variable, value: Tensor): void {
  const data = value.data as ConstantData; // the dtypes of programs
  tf.tidy(() => variable.assign(tf.tensor(data.slice(), value.shape, variable.dtype)));
}
