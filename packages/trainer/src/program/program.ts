// A program: the kernel calls of one traced tfjs function, in SSA form. Plain data; tracing makes it, passes rewrite
// it, lowering reads it.
import { ARRAY_OF, classOf } from '@forja/core';
import { sizeText, type Size } from './size.js';

export { isStatic, sizeText, type Size, type SymbolicSize } from './size.js';

/** tfjs element types that a program may hold. */
export type ProgramDType = 'float32' | 'int32' | 'bool';

/** Index into {@link Program.values}. */
export type ValueId = number;

/** Shape and type of a value. Logical: tfjs's own axis order (NHWC pictures, HWIO filters). */
export interface ProgramValue {
  dtype: ProgramDType;
  shape: Size[];
}

/** One kernel call. `inputs` and `attrs` carry tfjs's own names (`tfjs-core/src/kernel_names.ts`). */
export interface KernelCall {
  kernel: string;
  inputs: Record<string, ValueId | ValueId[]>;
  attrs: Record<string, unknown>;
  outputs: ValueId[];
  /** Name of the tf.layers layer being applied, innermost. */
  layer?: string;
  /** First stack frame outside tfjs and Forja, `file:line:column`. Never enters a model file. */
  site?: string;
}

/**
 * Where an input's value comes from: the caller at each run, the state kept between runs, or the counter-based
 * generator.
 */
export type ProgramInputKind = 'feed' | 'state' | 'random';

/** A graph input. */
export interface ProgramInput {
  name: string;
  value: ValueId;
  kind: ProgramInputKind;
  /**
   * For `random`: the distribution; for `bernoulli`, the probability `p` of a one; and `stream`, the random number
   * generator's stream: the index of the random input, from 0.
   */
  random?: { distribution: 'normal' | 'uniform' | 'bernoulli'; p?: number; stream?: number };
}

/** A named result. For updated state, `state` is the name of the input that takes the value in the next run. */
export interface ProgramOutput {
  name: string;
  value: ValueId;
  state?: string;
}

/** Values of a constant. int32 and bool constants use the array types that tfjs uses. */
export type ConstantData = Float32Array | Int32Array | Uint8Array;

/**
 * A copy of numbers as a program holds them. tfjs's own arrays may be of another type than the tensor: its casts from
 * int32 and bool to float32 share the array.
 */
export function dataOf(values: ArrayLike<number>, dtype: ProgramDType): ConstantData {
  return dtype === 'float32'
    ? new Float32Array(values)
    : dtype === 'int32'
      ? new Int32Array(values)
      : new Uint8Array(values);
}

/** Whether a program can hold this array for the type without a conversion. */
export function isDataOf(values: ArrayLike<number>, dtype: ProgramDType): values is ConstantData {
  return classOf(values) === ARRAY_OF[dtype].name;
}

/**
 * Whether two constants hold the same numbers; -0 is not 0. A plain loop, for speed: millions of weights are compared
 * in each trace.
 */
export function sameData(a: ConstantData, b: ConstantData): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/**
 * A traced computation. Every value is an input, a constant, or the output of exactly one call; calls are in execution
 * order.
 */
export interface Program {
  values: ProgramValue[];
  inputs: ProgramInput[];
  constants: Map<ValueId, ConstantData>;
  calls: KernelCall[];
  outputs: ProgramOutput[];
}

/** All value ids a call reads, in the order of its input names. */
export function callInputs(call: KernelCall): ValueId[] {
  return Object.values(call.inputs).flat();
}

/**
 * The program as text, one call a line: `%12 float32[64,7,7,128] = Conv2D(x=%3, filter=%w) {strides=[2,2]} @conv_1`.
 */
export function printProgram(program: Program): string {
  const names = new Map<ValueId, string>();
  for (const input of program.inputs) names.set(input.value, `%${input.name}`);
  for (const id of program.constants.keys()) names.set(id, `%c${id}`);
  const ref = (id: ValueId): string => names.get(id) ?? `%${id}`;
  const type = (id: ValueId): string => {
    const value = program.values[id];
    return value === undefined ? '?' : `${value.dtype}[${value.shape.map(sizeText).join(',')}]`;
  };
  const lines: string[] = [];
  for (const input of program.inputs) lines.push(`${input.kind} ${ref(input.value)} ${type(input.value)}`);
  for (const call of program.calls) {
    const args = Object.entries(call.inputs).map(
      ([name, ids]) => `${name}=${Array.isArray(ids) ? `[${ids.map(ref).join(', ')}]` : ref(ids)}`,
    );
    const attrs = Object.entries(call.attrs).filter(([, v]) => v !== undefined && v !== null);
    const attrText = attrs.length === 0 ? '' : ` {${attrs.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(', ')}}`;
    lines.push(
      `${call.outputs.map((id) => `${ref(id)} ${type(id)}`).join(', ')} = ` +
        `${call.kernel}(${args.join(', ')})${attrText}${call.layer === undefined ? '' : ` @${call.layer}`}`,
    );
  }
  for (const output of program.outputs)
    lines.push(
      `${output.state === undefined ? 'return' : 'state'} ${output.state ?? output.name} = ${ref(output.value)}`,
    );
  return lines.join('\n');
}
