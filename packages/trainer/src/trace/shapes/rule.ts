// The contract of a shape rule: what a tfjs kernel would return for these inputs, without computing it.
import type { AttrsOf } from '../../kernels/attributes.js';
import type { ProgramDType } from '../../program/program.js';

/** Concrete shape and type, as seen while tracing. */
export interface TensorMeta {
  shape: number[];
  dtype: ProgramDType;
}

/** Inputs of a kernel by tfjs's names. A variadic input arrives as an array. */
export type KernelInputs = Record<string, TensorMeta | TensorMeta[] | undefined>;

/** Declared as a method, so that a rule with narrower types fits in a table of rules. */
interface Rule<K extends string> {
  of(inputs: KernelInputs, attrs: AttrsOf<K>): TensorMeta[];
}

/**
 * Shapes and types of the outputs of kernel `K`. Throws with `Kernel: expected X, got Y` where tfjs's own kernel would
 * fail.
 */
export type ShapeRule<K extends string = string> = Rule<K>['of'];
