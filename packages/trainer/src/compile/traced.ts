// Turns a step into an optimised program: traced twice, rewritten, and its results given unique names.
import { ExportError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { callInputs, type Program } from '../program/program.js';
import { optimize } from '../rewrite/optimize.js';
import { refuseChance } from '../trace/baked.js';
import { namedStream } from '../trace/random.js';
import { trace, type Trace, type TraceInput } from '../trace/trace.js';
import { traceInputs, type RandomInput } from './inputs.js';
import type { StepFunction, StepOptions } from './step.js';

/** A traced step. */
export interface TracedStep {
  inputs: TraceInput[];
  program: Program;
  /** The step's own name for each of the graph's results. */
  names: ReadonlyMap<string, string>;
  /** The variables, by the name of their state input. */
  variables: ReadonlyMap<string, tf.Variable>;
  draws: RandomInput[];
}

/** Traces a step at the sizes of its inputs. */
export function traceStep(step: StepFunction, options: StepOptions): TracedStep {
  const inputs = traceInputs(options.inputs);
  const again = (moved: number): Trace =>
    trace(step, { inputs, variables: 'state', known: options.variables ?? [], moved });
  const first = again(0);
  refuseKept(first.state.map(({ name }) => name));
  refuseChance(first, again);
  const { program, names } = uniqueNames(optimize(first.program));
  return { inputs, program, names, variables: first.variables, draws: programDraws(program, options.name) };
}

/** @throws ExportError for a step whose layers keep tensors from one run to the next: only variables are state. */
function refuseKept(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new ExportError(
    'export.unsupported',
    `compile: expected state in variables only, got results that depend on ${names.join(', ')}, which a layer keeps ` +
      'from run to run; set stateful: false, or keep it in a tf.Variable that the step reads and assigns',
  );
}

/** The program without the state that it neither reads nor assigns. */
export function withoutIdleState(program: Program): Program {
  const read = new Set([...program.calls.flatMap(callInputs), ...program.outputs.map(({ value }) => value)]);
  const assigned = new Set(program.outputs.map(({ state }) => state));
  return {
    ...program,
    inputs: program.inputs.filter(({ kind, name, value }) => kind !== 'state' || read.has(value) || assigned.has(name)),
  };
}

/** Renames results that have the name of an input: names in a graph are unique, but a step may take and return `t`. */
function uniqueNames(program: Program): Pick<TracedStep, 'program' | 'names'> {
  const taken = new Set(
    [...program.inputs, ...program.outputs.filter((output) => output.state !== undefined)].map(({ name }) => name),
  );
  const names = new Map<string, string>();
  const outputs = program.outputs.map((output) => {
    if (output.state !== undefined) return output;
    let { name } = output;
    while (taken.has(name)) name += '/result';
    taken.add(name);
    names.set(name, output.name);
    return { ...output, name };
  });
  return { program: { ...program, outputs }, names };
}

/** Random inputs of the graph: those of the specs, and those that the step draws itself. */
function programDraws(program: Program, step: string | undefined): RandomInput[] {
  return program.inputs.flatMap(({ name, value, random }) => {
    if (random === undefined) return [];
    const stream = step === undefined ? (random.stream ?? 0) : namedStream(step, name);
    return [{ name, random, stream, shape: program.values[value]?.shape.map(Number) ?? [] }];
  });
}
