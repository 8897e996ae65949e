// The compiled training step: a tfjs function traced once, lowered to one ONNX graph, run by a Runtime with its state
// inside the executor. The contract of both engines: compile.ts (one ONNX graph) and eager.ts (tfjs itself).
import type { AsyncHandle, Runtime, SessionOptions, Tensor, TensorSpec, TypedArray } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';

/**
 * A step in tfjs: tensors in by name, tensors out by name. It may read and assign variables; what it assigns is state.
 */
export type StepFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

/** A feed: a tensor, a tensor without dtype, or the plain array where the spec gives the shape. */
export type Feed = Tensor | { shape: readonly number[]; data: TypedArray } | TypedArray | readonly number[] | number;

/** What both engines are told. */
export interface StepOptions {
  /** Every input, with its concrete shape. One with `random` is filled by (seed, step), not fed. */
  inputs: Record<string, TensorSpec>;
  /** Variables that are state even where the step does not touch them. */
  variables?: readonly tf.Variable[];
  /** Seed of the random inputs. Default 0. */
  seed?: number | bigint;
  /**
   * With it, random inputs and draws get the streams of names, `<name>/<input>`, instead of counted ones: steps of
   * different names draw different numbers, and adding an input changes no other.
   */
  name?: string;
}

/** Options of {@link compile}. */
export interface CompileOptions extends StepOptions {
  runtime: Runtime;
  /**
   * `portable`: plain convolutions, for any device. `fast`: convolutions by matrix products, for CPUs. `auto`, the
   * default: on the devices `cpu` and `wasm` the one that a price of its convolutions says is cheaper, elsewhere
   * `portable`.
   */
  lowering?: 'portable' | 'fast' | 'auto';
  /**
   * Whether several steps may share a run ({@link CompiledStep.runMany}), as a loop inside the graph. `auto`, the
   * default: for steps of a few milliseconds on the CPU, where the call would cost as much as the step.
   */
  loop?: boolean | 'auto';
  /**
   * Passed on to the runtime. Default of `threads`: 1 for steps so small that a second thread costs more than it saves,
   * else the runtime's.
   */
  session?: Pick<SessionOptions, 'threads' | 'spinning' | 'strict'>;
}

/** One of several steps that are compiled together. */
export interface StepDefinition extends Omit<CompileOptions, 'runtime'> {
  step: StepFunction;
}

/** Options of {@link compileAll}, for all its steps. */
export type CompileAllOptions = Omit<CompileOptions, 'inputs' | 'name'>;

/** State by variable name, in tfjs's logical layout. */
export type StepState = Record<string, Tensor>;

/** What a step was made into. */
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
  /** The lowering that was taken, in a compiled step. */
  lowering?: 'portable' | 'fast';
  /**
   * Steps that {@link CompiledStep.runMany} should be given at once for calls to cost little; 1 where steps are large.
   */
  stepsPerRun: number;
  /** What its convolutions were taken to cost in both, a line each, where there was a choice. */
  plan?: string;
}

/** A step ready to run. */
export interface CompiledStep extends AsyncHandle {
  /** Number of the next step, which random inputs are drawn by: 0 at first. Settable, for a resume. */
  step: number;
  run(inputs?: Record<string, Feed>): Promise<Record<string, Tensor>>;
  /**
   * Steps one after the other, each with its own inputs; in one call of the runtime where the step was compiled as a
   * loop. Results in the same order.
   */
  runMany(inputs: readonly Record<string, Feed>[]): Promise<Record<string, Tensor>[]>;
  /** A copy of the state, in logical layout: as the last run left it of any step that shares it. */
  state(names?: readonly string[]): Promise<StepState>;
  /** Replaces state by name, from logical layout, for all that share it; names left out keep their value. */
  load(state: StepState): Promise<void>;
  /** Writes the state back into the tf.Variables that the step was traced from. */
  writeVariables(): Promise<void>;
  /**
   * The graph of one step, also where the runtime has it in a loop. @throws UsageError in the eager engine, which has
   * none.
   */
  onnx(): Uint8Array;
  /** What was traced and lowered, for reports. */
  readonly summary: StepSummary;
  /** Ends the step after the runs already queued. State stays as long as another step has it. */
  dispose(): Promise<void>;
}
