// Tracing: runs a tfjs function on the recording backend and returns the recorded program. backend.ts and recorder.ts
// record; span.ts guards tfjs.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { withGradients } from '../gradients/index.js';
import { callInputs, type Program, type ProgramDType, type ProgramInput, type ValueId } from '../program/program.js';
import type { SizeRead } from './reads.js';
import { Recorder } from './recorder.js';
import { holdsPromise, synchronous } from '../tfjs/promises.js';
import { activeTrace, recording } from './span.js';

/** An input of the traced function, at the concrete size of this trace. */
export interface TraceInput {
  name: string;
  dtype: ProgramDType;
  shape: readonly number[];
  random?: { distribution: 'normal' | 'uniform' | 'bernoulli'; p?: number };
}

/**
 * State that the function keeps from one call to the next, and that its results depend on: a variable, or a field of a
 * layer.
 */
export interface KeptState {
  name: string;
  /** Where it is assigned, `file:line:column`. */
  site?: string;
  variable?: tf.Variable;
}

/** Options of {@link trace}. */
export interface TraceOptions {
  inputs: readonly TraceInput[];
  /**
   * `state`: a variable that is read becomes an input of kind `state`, and one that is assigned becomes an output with
   * `state` (a training step). `constant`: variables are constants, and assignments are dropped (an exported forward
   * function); {@link Trace.state} lists those that the results depend on.
   */
  variables: 'state' | 'constant';
  /**
   * Variables that are state even if the function does not touch them, in this order; others follow in the order in
   * which the trace meets them.
   */
  known?: readonly tf.Variable[];
  /**
   * If true, constants share the arrays of tensors made outside instead of copying them, which saves time when a model
   * is traced many times. Only for callers who drop the program before those arrays can change. Default false.
   */
  share?: boolean;
  /** Whether to record call sites, which takes most of a large trace's time. Default true. */
  sites?: boolean;
  /** Whether to record which sizes the user's own code reads. Default false. */
  reads?: boolean;
  /** How many ms clocks (`Date`, `performance.now`) are ahead during the trace. Default 0. */
  moved?: number;
}

/** A program, with the live tfjs objects that it was traced from. */
export interface Trace {
  program: Program;
  /** The variables, by the name of their state input. Names are the variables' own, made unique. */
  variables: Map<string, tf.Variable>;
  /** tfjs's name of each constant's tensor, if it had one (a layer's weight), by value. */
  constantNames: Map<ValueId, string>;
  /** Where each constant was made or first met, `file:line:column`, by value. */
  constantSites: Map<ValueId, string>;
  /** State kept between calls that the program lacks: fields of layers, and variables if they are constants. */
  state: KeptState[];
  /** Sizes that the user's own code read, if `reads` was set. */
  reads: SizeRead[];
  /** Where a clock was read, `file:line:column`; empty if the place is not known. */
  clock?: string | undefined;
}

/**
 * Traces `fn` once, synchronously. tfjs's backend, gradients, variables and live tensors are restored afterwards, also
 * when `fn` throws. Forja's gradients are installed while `fn` runs. Inputs are passed by name; results are tensors by
 * name.
 * @throws ExportError `export.unsupported` for data-dependent control flow (`dataSync` on a traced value) and for
 * random numbers that the function draws with `Math.random` or Web Crypto, `gradient.unproven` for gradients that are
 * not checked, naming the user's line.
 */
export function trace(
  fn: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
  options: TraceOptions,
): Trace {
  const recorder = new Recorder(options.variables, options.share, options.sites);
  recording(recorder, options.reads === true, options.moved ?? 0, () =>
    withGradients(() => run(fn, options, recorder)),
  );
  const variables = new Map<string, tf.Variable>();
  if (options.variables === 'state')
    for (const [variable, { name }] of recorder.variables) variables.set(name, variable);
  return {
    program: recorder.program,
    variables,
    constantNames: recorder.constantNames,
    constantSites: recorder.constantSites,
    state: keptState(recorder, options.variables),
    reads: [...recorder.reads.values()],
    clock: recorder.chance.clock,
  };
}

/**
 * State that the trace assigns and whose old value affects the results. Moving statistics do not affect them if the
 * batch's statistics are used.
 */
function keptState(recorder: Recorder, variables: TraceOptions['variables']): KeptState[] {
  const needed = reached(recorder.program);
  const at = (site: string | undefined): { site?: string } => (site === undefined ? {} : { site });
  return [
    ...[...(variables === 'constant' ? recorder.variables : [])].flatMap(([variable, entry]) => {
      const { name, input, current, site, adopted } = entry;
      return current !== input && adopted === undefined && needed.has(input) ? [{ name, variable, ...at(site) }] : [];
    }),
    ...recorder.keptFields.flatMap(({ layer, field, before }) =>
      before.some((tensor) => recorder.valuesOf(tensor).some((value) => needed.has(value)))
        ? [{ name: `${layer}.${field}` }]
        : [],
    ),
  ];
}

/** The values that the results depend on. */
function reached({ calls, outputs }: Program): Set<ValueId> {
  const needed = new Set(outputs.map(({ value }) => value));
  for (const call of [...calls].reverse())
    if (call.outputs.some((id) => needed.has(id))) for (const id of callInputs(call)) needed.add(id);
  return needed;
}

/** Records the inputs, the function, and its results and assignments. */
function run(
  fn: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
  options: TraceOptions,
  recorder: Recorder,
): void {
  const { program } = recorder;
  const inputs: Record<string, tf.Tensor> = {};
  for (const input of options.inputs) {
    if (Object.hasOwn(inputs, input.name))
      throw new UsageError(`trace: expected inputs of different names, got '${input.name}' twice`);
    const meta = { shape: [...input.shape], dtype: input.dtype };
    const rest: Pick<ProgramInput, 'kind' | 'random'> =
      input.random === undefined ? { kind: 'feed' } : { kind: 'random', random: input.random };
    const tensor = activeTrace()?.tensor(recorder.input(input.name, meta, rest));
    if (tensor !== undefined) inputs[input.name] = tensor;
  }
  for (const variable of options.known ?? []) recorder.variable(variable);
  const results: unknown = fn(inputs); // `recording` disposes the tensors that it makes
  for (const [name, tensor] of Object.entries(checkedResults('trace', results)))
    program.outputs.push({ name, value: recorder.valueOf(tensor) });
  if (options.variables === 'constant') return;
  const taken = new Set([...program.inputs, ...program.outputs].map((one) => one.name));
  for (const { name, input, current } of recorder.variables.values()) {
    if (current === input) continue;
    let output = `${name}/next`;
    while (taken.has(output)) output += '_';
    taken.add(output);
    program.outputs.push({ name: output, value: current, state: name });
  }
}

/** Checks that a step returned tensors by name. Throws UsageError. */
export function checkedResults(where: string, results: unknown): Record<string, tf.Tensor> {
  synchronous(where, results, holdsPromise(results));
  if (typeof results !== 'object' || results === null || results instanceof tf.Tensor)
    throw new UsageError(`${where}: expected tensors by name, as in { loss }, got something else returned`);
  for (const [name, value] of Object.entries(results)) {
    if (!(value instanceof tf.Tensor))
      throw new UsageError(
        `${where}: expected tensors by name, got ${value === null ? 'null' : typeof value} for '${name}'`,
      );
  }
  return results as Record<string, tf.Tensor>; // each was checked
}
