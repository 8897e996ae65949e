// State between tf.Variables (logical layout) and the executor (the order that the graph wants): reordered here, at
// load and save only.
import { UsageError, checkTensor, type Session, type SessionOptions, type Tensor } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { StateLayout } from '../lower/lower.js';
import { inverse, permuted } from '../lower/permute.js';
import { dataOf, type ConstantData } from '../program/program.js';
import type { StepState } from './step.js';

/** Where the state of one compiled step is kept: beside the steps that share it, or by its own session. */
export interface StateHome {
  /** What its session is told. */
  readonly bindings: Promise<NonNullable<SessionOptions['state']>>;
  /** Copies, in logical layout; default: all. Throws for a name that is no state. */
  read(names?: readonly string[]): Promise<StepState>;
  /** Replaces values, all of which are checked before any is taken. */
  load(values: StepState): Promise<void>;
  /** Told of the session once it is there. */
  attach?(session: Session): void;
  /** To be done before a run, where anything is. */
  refresh?(): Promise<void>;
  /** The step is gone. Idempotent. */
  release(): Promise<void>;
}

/** What is known of a value of state beside how it is stored. */
export type Layout = Omit<StateLayout, 'input' | 'output'>;

const splitShape = (layout: Layout): readonly number[] => layout.split ?? layout.shape;
const physicalShape = (layout: Layout): number[] => layout.perm.map((axis) => splitShape(layout)[axis] ?? 1);

/** A value in logical layout, as the executor stores it. */
export function toStored(layout: Layout, value: Tensor): Tensor {
  return {
    dtype: layout.dtype,
    shape: physicalShape(layout),
    data: permuted(value.data as ConstantData, splitShape(layout), layout.perm), // checked, or a variable's own
  };
}

/** A value from the executor, in logical layout. */
export function toLogical(layout: Layout, value: Tensor): Tensor {
  return {
    dtype: layout.dtype,
    shape: [...layout.shape],
    data: permuted(value.data as ConstantData, physicalShape(layout), inverse(layout.perm)), // the dtypes of programs
  };
}

/** Throws where a value given by a caller is of another type or shape. */
export function checkValue(name: string, { dtype, shape }: Pick<Layout, 'dtype' | 'shape'>, value: Tensor): void {
  checkTensor(`load.${name}`, { dtype, shape: [...shape] }, value);
}

/** The entry of a name; throws where there is none. */
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
  const data = value.data as ConstantData; // the dtypes of programs
  tf.tidy(() => variable.assign(tf.tensor(data.slice(), value.shape, variable.dtype)));
}
