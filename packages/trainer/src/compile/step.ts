// The contract of a training step, for both engines: compile.ts (traced once, lowered to one ONNX graph, state inside
// the executor) and eager.ts (tfjs itself).
import type { AsyncHandle, Runtime, SessionOptions, Tensor, TensorSpec, TypedArray } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';

/**
 * A step in tfjs: takes and returns tensors by name. It may read and assign variables; those that it assigns are state.
 */
export type StepFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** A feed: a tensor, with or without dtype, or only its data; missing parts are taken from the spec. */
export type Feed = Tensor | { shape: readonly number[]; data: TypedArray } | TypedArray | readonly number[] | number;

/** Options of both engines. */
export interface StepOptions {
  /** Every input, with its concrete shape. One with `random` is drawn from (seed, step), not fed. */
  inputs: Record<string, TensorSpec>;
  /** Variables that are state even if the step does not touch them. */
  variables?: readonly tf.Variable[];
  /** Seed of the random inputs. Default 0. */
  seed?: number | bigint;
  /**
   * If given, random streams are derived from names, `<name>/<input>`, instead of numbered: steps of different names
   * draw different numbers, and adding an input does not change the numbers of the others.
   */
  name?: string;
}

/** Options of {@link compile}. */
export interface CompileOptions extends StepOptions {
  runtime: Runtime;
  /**
   * `portable`: plain convolutions, for any device. `fast`: convolutions as matrix products, for CPUs. `auto`, the
   * default: on `cpu` and `wasm` the one with the lower estimated cost, elsewhere `portable`.
   */
  lowering?: 'portable' | 'fast' | 'auto';
  /**
   * Whether several steps may share a run ({@link CompiledStep.runMany}), as a loop inside the graph. `auto`, the
   * default: only for CPU steps of a few milliseconds, in which a call would take a considerable part of the time.
   */
  loop?: boolean | 'auto';
  /**
   * Passed on to the runtime. `threads` defaults to 1 for steps so small that a second thread costs more than it saves,
   * else to the runtime's default.
   */
  session?: Pick<SessionOptions, 'threads' | 'spinning' | 'strict'>;
}

/** One of several steps compiled together. */
export interface StepDefinition extends Omit<CompileOptions, 'runtime'> {
  step: StepFunction;
}

/** Options of {@link compileAll}, for all its steps. */
export type CompileAllOptions = Omit<CompileOptions, 'inputs' | 'name'>;

/** State by variable name, in tfjs's logical layout. */
export type StepState = Record<string, Tensor>;

/** Statistics of a compiled step. */
export interface StepSummary {
  engine: 'onnx' | 'tfjs';
  /** Kernel calls of the optimised program, in all and by kernel; 0 in the eager engine. */
  calls: number;
  kernels: Record<string, number>;
  /** Nodes of the graph, in all and by op. */
  nodes: number;
  ops: Record<string, number>;
  traceMs: number;
  lowerMs: number;
  createMs: number;
  /** The lowering chosen, in a compiled step. */
  lowering?: 'portable' | 'fast';
  /** How many steps to give {@link CompiledStep.runMany} at once so that the call costs little; 1 for large steps. */
  stepsPerRun: number;
  /** Estimated cost of each convolution in both lowerings, one per line, if there was a choice. */
  plan?: string;
}

/** A step ready to run. */
export interface CompiledStep extends AsyncHandle {
  /** Number of the next step, from 0. Random inputs are drawn from it. Set it to resume. */
  step: number;
  run(inputs?: Record<string, Feed>): Promise<Record<string, Tensor>>;
  /**
   * Runs several steps in order, each with its own inputs; in one runtime call if the step was compiled as a loop.
   * Results come in the same order.
   */
  runMany(inputs: readonly Record<string, Feed>[]): Promise<Record<string, Tensor>[]>;
  /** A copy of the state, in logical layout, after the last run of any step that shares it. */
  state(names?: readonly string[]): Promise<StepState>;
  /** Replaces state by name, in logical layout, for all steps that share it; other names keep their values. */
  load(state: StepState): Promise<void>;
  /** Writes the state back into the tf.Variables that the step was traced from. */
  writeVariables(): Promise<void>;
  /**
   * The graph of one step, even if the runtime runs it as a loop. @throws UsageError in the eager engine, which has
   * none.
   */
  onnx(): Uint8Array;
  /** What was traced and lowered, for reports. */
  readonly summary: StepSummary;
  /** Ends the step after the runs already queued. State lives as long as another step uses it. */
  dispose(): Promise<void>;
}
