// Estimates how much a step computes, to decide whether one thread is faster than many and whether several steps should
// share a call.
import { traitsOf } from '../kernels/traits.js';
import { countOf, inputOf, outputOf, shapeOf } from '../program/graph.js';
import type { KernelCall, Program, ValueId } from '../program/program.js';

/** Cost of one output element in multiply-adds; element-wise kernels are bound by memory. */
const ELEMENT_COST = 8;

/**
 * The program's estimated time, in units of a million multiply-adds of a large matrix product. Sizes must be static.
 */
export function workOf(program: Program): number {
  return program.calls.reduce((sum, call) => sum + costOf(program, call), 0) / 1e6;
}

function costOf(program: Program, call: KernelCall): number {
  const count = (id: ValueId | undefined): number => (id === undefined ? 0 : (countOf(shapeOf(program, id)) ?? 0));
  const moved = call.outputs.reduce((sum, id) => sum + count(id), 0);
  const { product, convolution } = traitsOf(call.kernel);
  if (product === true) return ELEMENT_COST * moved + matrix(call, count, program);
  if (convolution === undefined) return ELEMENT_COST * moved;
  const [small, filter] = [convolution.small, convolution.filter].map((name) =>
    name === '' ? outputOf(call) : inputOf(call, name),
  );
  const channels = shapeOf(program, filter ?? -1).slice(convolution.depthwise ? -2 : -1);
  // Each element of the smaller picture costs as many multiply-adds as the filter has weights per output channel.
  return ELEMENT_COST * moved + (count(small) * count(filter)) / channels.map(Number).reduce((a, b) => a * b, 1);
}

function matrix(call: KernelCall, count: (id: ValueId | undefined) => number, program: Program): number {
  const a = inputOf(call, 'a');
  const inner = a === undefined ? 1 : Number(shapeOf(program, a).at(call.attrs['transposeA'] === true ? -2 : -1) ?? 1);
  return count(outputOf(call)) * inner;
}

/** Below this much work, waking a second thread for each kernel costs more than it saves. */
const ONE_THREAD = 150;

/** Threads for a step of this cost; undefined means the runtime's default. */
export const threadsFor = (work: number): number | undefined => (work < ONE_THREAD ? 1 : undefined);

/** Below this much work, a call costs more than a tenth of the step, and several should share one. */
const SHARED_CALL = 250;

/** Whether steps of this cost should share calls. */
export const isSmall = (work: number): boolean => work < SHARED_CALL;

/** Work per call at which the call's overhead (state in and out of the executor) is a few percent. */
const WORK_PER_CALL = 4000;

/** Maximum number of steps in a call, so that calls stay short. */
const MAX_STEPS = 32;

/** How many steps should share a call. */
export const stepsPerRun = (work: number): number => Math.max(1, Math.min(MAX_STEPS, Math.round(WORK_PER_CALL / work)));
