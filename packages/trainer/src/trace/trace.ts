// Tracing: runs a tfjs function on the recording backend and returns the program it made. CONTRACT; backend.ts does the recording.
import type * as tf from '@tensorflow/tfjs';
import type { Program, ProgramDType, ValueId } from './program.js';

/** An input of the traced function, at the concrete size of this trace. */
export interface TraceInput {
  name: string;
  dtype: ProgramDType;
  shape: readonly number[];
  random?: { distribution: 'normal' | 'uniform' | 'bernoulli'; p?: number };
}

/** What a trace needs. */
export interface TraceOptions {
  inputs: readonly TraceInput[];
  /**
   * `state`: a variable that is read becomes an input of kind `state`, one that is assigned an output with `state` (a training step).
   * `constant`: variables are constants, and an assignment (moving statistics) is forgotten (an exported forward function).
   */
  variables: 'state' | 'constant';
  /** Variables whose state exists even when the function does not touch them, in this order; others follow in the order met. */
  known?: readonly tf.Variable[];
}

/** A program with the live objects that it was traced from. */
export interface Trace {
  program: Program;
  /** By name of the state input. Names are the variables' own, made unique. */
  variables: Map<string, tf.Variable>;
  /** tfjs's name of each constant's tensor where it had one (a layer's weight), by value. */
  constantNames: Map<ValueId, string>;
}

/**
 * Traces `fn` once, synchronously. tfjs's backend, gradients, variables and live tensors are afterwards what they were before, also when `fn` throws.
 * Forja's gradients are installed for its span. Inputs arrive by name; results are tensors by name.
 * @throws ExportError `export.unsupported` for data-dependent control flow (`dataSync` on a traced value), naming the user's line.
 */
export declare function trace(fn: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>, options: TraceOptions): Trace;
