// Computes, in the middle of a trace, values that depend on constants only: graph models read shapes that they compute
// from constants.
import * as tf from '@tensorflow/tfjs';
import { replay } from '../program/replay.js';
import { callInputs, type ConstantData, type KernelCall, type Program, type ValueId } from '../program/program.js';

/**
 * A copy of the data of `value` if it is a constant or computed from constants only, else undefined. `maker` finds the
 * call that computes a value.
 */
export function constantValue(
  program: Program,
  value: ValueId,
  maker: (id: ValueId) => KernelCall | undefined,
): ConstantData | undefined {
  const constant = program.constants.get(value);
  if (constant !== undefined) return constant.slice();
  const needed = new Set<KernelCall>();
  const constants = new Map<ValueId, ConstantData>();
  const open = [value];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const [data, call] = [program.constants.get(id), maker(id)];
    if (data !== undefined) constants.set(id, data);
    else if (call === undefined)
      return undefined; // an input
    else if (!needed.has(call)) {
      needed.add(call);
      open.push(...callInputs(call));
    }
  }
  // Values are numbered in execution order.
  const calls = [...needed].sort((a, b) => (a.outputs[0] ?? 0) - (b.outputs[0] ?? 0));
  const { state } = tf.engine();
  state.kernelDepth++; // keeps these calls off the gradient tape
  try {
    return replay(
      { ...program, inputs: [], constants, calls, outputs: [{ name: 'value', value }] },
      {},
      { backend: 'cpu' },
    )['value']?.data;
  } finally {
    state.kernelDepth--;
  }
}
