// Helpers that passes share: reading a program as a graph, and replacing one value with another.
import {
  callInputs,
  sizeText,
  type ConstantData,
  type KernelCall,
  type Program,
  type ProgramDType,
  type ProgramValue,
  type Size,
  type ValueId,
} from './program.js';
import { traitsOf } from '../kernels/traits.js';

/** Rewrites a program without changing what it computes. */
export type Pass = (program: Program) => Program;

/** Shape of a value. */
export function shapeOf(program: Program, id: ValueId): readonly Size[] {
  return program.values[id]?.shape ?? [];
}

/** Element type of a value. */
export function dtypeOf(program: Program, id: ValueId): ProgramDType {
  return program.values[id]?.dtype ?? 'float32';
}

/** Whether two sizes are equal for all values of the named dims. */
export function sameSize(a: Size | undefined, b: Size | undefined): boolean {
  return a !== undefined && b !== undefined && sizeText(a) === sizeText(b);
}

/** Whether two shapes are the same. */
export function sameSizes(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every((size, i) => sameSize(size, b[i]));
}

/** Number of elements, if all sizes are numbers. */
export function countOf(shape: readonly Size[]): number | undefined {
  return shape.reduce<number | undefined>(
    (n, size) => (n === undefined || typeof size !== 'number' ? undefined : n * size),
    1,
  );
}

/** The call that makes each value. */
export function producers(program: Program): Map<ValueId, KernelCall> {
  return new Map(program.calls.flatMap((call) => call.outputs.map((id) => [id, call] as const)));
}

/** How often each value is read, by calls and as an output. */
export function useCounts(program: Program): Map<ValueId, number> {
  const counts = new Map<ValueId, number>();
  const count = (id: ValueId): void => void counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const call of program.calls) callInputs(call).forEach(count);
  for (const { value } of program.outputs) count(value);
  return counts;
}

/** The call with its inputs mapped. */
function mapInputs(call: KernelCall, map: (id: ValueId) => ValueId): KernelCall {
  return {
    ...call,
    inputs: Object.fromEntries(
      Object.entries(call.inputs).map(([name, ids]) => [name, Array.isArray(ids) ? ids.map(map) : map(ids)]),
    ),
  };
}

/** One input of a call, unless it is absent or a list. */
export function inputOf(call: KernelCall, name: string): ValueId | undefined {
  const id = call.inputs[name];
  return typeof id === 'number' ? id : undefined;
}

/** The first output of a call. Every call has one. */
export function outputOf(call: KernelCall): ValueId {
  const [id] = call.outputs;
  if (id === undefined) throw new Error(`${call.kernel}: expected an output`);
  return id;
}

/** The outputs that a call's traits describe: all, or the values without their indices. */
export function valueOutputs(call: KernelCall): readonly ValueId[] {
  return traitsOf(call.kernel).outputs === 'values and places' ? call.outputs.slice(0, 1) : call.outputs;
}

/** The input of `call` that its output `id` is a rearrangement of, if there is exactly one. */
export function movedFrom(call: KernelCall, id: ValueId): ValueId | undefined {
  const { moves, fills } = traitsOf(call.kernel);
  const [name, more] = moves === 'list' || fills === true || !valueOutputs(call).includes(id) ? [] : (moves ?? []);
  return name === undefined || more !== undefined ? undefined : inputOf(call, name);
}

/**
 * A program being rewritten, call by call in execution order: values and constants can be added, calls emitted, and a
 * value replaced by another for everything that follows.
 */
export class Rewriter {
  readonly values: ProgramValue[];
  readonly constants: Map<ValueId, ConstantData>;
  readonly calls: KernelCall[] = [];
  readonly producer: Map<ValueId, KernelCall> = new Map();
  private readonly replaced = new Map<ValueId, ValueId>();

  constructor(readonly source: Program) {
    this.values = [...source.values];
    this.constants = new Map(source.constants);
  }

  /** The value that currently replaces `id`, or `id` itself. */
  at(id: ValueId): ValueId {
    return this.replaced.get(id) ?? id;
  }
  shape(id: ValueId): readonly Size[] {
    return this.values[id]?.shape ?? [];
  }
  dtype(id: ValueId): ProgramDType {
    return this.values[id]?.dtype ?? 'float32';
  }
  value(dtype: ProgramDType, shape: readonly Size[]): ValueId {
    return this.values.push({ dtype, shape: [...shape] }) - 1;
  }
  constant(dtype: ProgramDType, shape: readonly number[], data: ConstantData): ValueId {
    const id = this.value(dtype, shape);
    this.constants.set(id, data);
    return id;
  }
  emit(call: KernelCall): void {
    this.calls.push(call);
    for (const id of call.outputs) this.producer.set(id, call);
  }
  /** Readers of `id` that come later read `by` instead. */
  replace(id: ValueId, by: ValueId): void {
    this.replaced.set(id, this.at(by));
  }

  /** Visits every call, with replaced inputs already substituted. The visitor emits, replaces, or both. */
  run(visit: (call: KernelCall) => void): Program {
    for (const call of this.source.calls) visit(mapInputs(call, (id) => this.at(id)));
    const { inputs, outputs } = this.source;
    return {
      inputs,
      values: this.values,
      constants: this.constants,
      calls: this.calls,
      outputs: outputs.map((output) => ({ ...output, value: this.at(output.value) })),
    };
  }
}
