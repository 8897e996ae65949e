// Converts state between tf.Variables (logical layout) and the executor (the graph's order). Values are reordered only
// when state is loaded or read.
import { UsageError, checkTensor, type Session, type SessionOptions, type Tensor } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { StateLayout } from '../lower/lower.js';
import { inverse, permuted } from '../lower/permute.js';
import { dataOf, type ConstantData } from '../program/program.js';
import type { StepState } from './step.js';

/** Where the state of one compiled step is kept: shared with other steps, or in its own session. */
export interface StateHome {
  /** State bindings for the session's options. */
  readonly bindings: Promise<NonNullable<SessionOptions['state']>>;
  /** Copies, in logical layout; default: all. Throws for a name that is not state. */
  read(names?: readonly string[]): Promise<StepState>;
  /** Replaces values; all are checked before any is replaced. */
  load(values: StepState): Promise<void>;
  /** Called with the session once it is open. */
  attach?(session: Session): void;
  /** Called before each run. */
  refresh?(): Promise<void>;
  /** Called when the step is disposed. Idempotent. */
  release(): Promise<void>;
}

/** A state value's layout without its graph names. */
export type Layout = Omit<StateLayout, 'input' | 'output'>;

const splitShape = (layout: Layout): readonly number[] => layout.split ?? layout.shape;
const physicalShape = (layout: Layout): number[] => layout.perm.map((axis) => splitShape(layout)[axis] ?? 1);

/** Converts a value from logical layout to the executor's order. */
export function toStored(layout: Layout, value: Tensor): Tensor {
  return {
    dtype: layout.dtype,
    shape: physicalShape(layout),
    data: permuted(value.data as ConstantData, splitShape(layout), layout.perm), // type checked, or a variable's own
  };
}

/** Converts a value from the executor's order to logical layout. */
export function toLogical(layout: Layout, value: Tensor): Tensor {
  return {
    dtype: layout.dtype,
    shape: [...layout.shape],
    data: permuted(value.data as ConstantData, physicalShape(layout), inverse(layout.perm)), // a program's dtype
  };
}

/** Throws if a caller's value has another type or shape. */
export function checkValue(name: string, { dtype, shape }: Pick<Layout, 'dtype' | 'shape'>, value: Tensor): void {
  checkTensor(`load.${name}`, { dtype, shape: [...shape] }, value);
}

/** The entry called `name`; throws if there is none. */
export function stateNamed<T>(entries: ReadonlyMap<string, T>, name: string): T {
  const entry = entries.get(name);
  if (entry === undefined)
    throw new UsageError(
      `state.${name}: expected one of ${[...entries.keys()].join(', ') || '(this step has no state)'}`,
    );
  return entry;
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
  const data = value.data as ConstantData; // programs hold these dtypes only
  tf.tidy(() => variable.assign(tf.tensor(data.slice(), value.shape, variable.dtype)));
}
