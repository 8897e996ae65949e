// The contract of a shape rule: what a tfjs kernel would return for these inputs, without computing it.
import type { ProgramDType } from '../../program/program.js';

/** Concrete shape and type, as seen while tracing. */
export interface TensorMeta {
  shape: number[];
  dtype: ProgramDType;
}

/** Inputs of a kernel by tfjs's names. A variadic input arrives as an array. */
export type KernelInputs = Record<string, TensorMeta | TensorMeta[] | undefined>;

/**
 * Shapes and types of a kernel's outputs. Throws with `Kernel: expected X, got Y` where tfjs's own kernel would fail.
 */
export type ShapeRule = (inputs: KernelInputs, attrs: Record<string, unknown>) => TensorMeta[];
