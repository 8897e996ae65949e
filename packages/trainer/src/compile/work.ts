// How much a step computes, roughly: what decides whether one thread is quicker than many, and whether several steps
// should share a call.
import { countOf, inputOf, outputOf, shapeOf } from '../program/graph.js';
import type { KernelCall, Program, ValueId } from '../program/program.js';

/** Multiply-adds that making one element costs in an element-wise kernel, which waits for memory. */
const ELEMENT = 8;

/** Millions of multiply-adds of large matrix products that take as long as the program. Sizes are fixed. */
export function workOf(program: Program): number {
  return program.calls.reduce((sum, call) => sum + costOf(program, call), 0) / 1e6;
}

function costOf(program: Program, call: KernelCall): number {
  const count = (id: ValueId | undefined): number => (id === undefined ? 0 : (countOf(shapeOf(program, id)) ?? 0));
  const moved = call.outputs.reduce((sum, id) => sum + count(id), 0);
  return ELEMENT * moved + (PRODUCTS[call.kernel]?.(call, count, program) ?? 0);
}

/** Multiply-adds of the kernels that are products. */
const PRODUCTS: Readonly<
  Record<string, (call: KernelCall, count: (id: ValueId | undefined) => number, program: Program) => number>
> = {
  BatchMatMul: matrix,
  _FusedMatMul: matrix,
  Conv2D: (call, count, program) => convolution(program, count, outputOf(call), inputOf(call, 'filter')),
  FusedConv2D: (call, count, program) => convolution(program, count, outputOf(call), inputOf(call, 'filter')),
  Conv2DBackpropInput: (call, count, program) =>
    convolution(program, count, inputOf(call, 'dy'), inputOf(call, 'filter')),
  Conv2DBackpropFilter: (call, count, program) => convolution(program, count, inputOf(call, 'dy'), outputOf(call)),
};

function matrix(call: KernelCall, count: (id: ValueId | undefined) => number, program: Program): number {
  const a = inputOf(call, 'a');
  const inner = a === undefined ? 1 : Number(shapeOf(program, a).at(call.attrs['transposeA'] === true ? -2 : -1) ?? 1);
  return count(outputOf(call)) * inner;
}

/** Every number of the small side is a product with all filters of one output channel. */
function convolution(
  program: Program,
  count: (id: ValueId | undefined) => number,
  small: ValueId | undefined,
  filter: ValueId | undefined,
): number {
  const channels = filter === undefined ? 1 : Number(shapeOf(program, filter).at(-1) ?? 1);
  return (count(small) * count(filter)) / channels;
}

/** Below this much work, waking a second thread for each kernel costs more than it saves. */
const ONE_THREAD = 150;

/** Threads for a step of so much work; undefined: as many as the runtime has. */
export const threadsFor = (work: number): number | undefined => (work < ONE_THREAD ? 1 : undefined);

/** Below this much work, a call costs more than a tenth of the step, and several should share one. */
const SHARED = 250;

/** Whether steps of so much work should share calls. */
export const isSmall = (work: number): boolean => work < SHARED;

/**
 * Work of one call after which what the call costs is a few percent: state goes into the executor and out of it at
 * each.
 */
const A_CALL = 4000;

/** Most steps of one call, so that it stays short. */
const MOST = 32;

/** How many steps should share a call. */
export const stepsPerRun = (work: number): number => Math.max(1, Math.min(MOST, Math.round(A_CALL / work)));
