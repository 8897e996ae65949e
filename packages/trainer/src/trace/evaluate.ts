// Values that follow from constants alone, computed in the middle of a trace: graph models read shapes that they put together from constants.
import * as tf from '@tensorflow/tfjs';
import { replay } from '../rewrite/replay.js';
import { callInputs, type ConstantData, type KernelCall, type Program, type ValueId } from './program.js';

/** The data of `value` if it is a constant or computed from constants only, else undefined. A copy. */
export function constantValue(program: Program, value: ValueId): ConstantData | undefined {
  const constant = program.constants.get(value);
  if (constant !== undefined) return constant.slice();
  const calls: KernelCall[] = [];
  const needed = new Set([value]);
  for (let i = program.calls.length - 1; i >= 0; i--) {
    const call = program.calls[i];
    if (call?.outputs.some((id) => needed.has(id)) !== true) continue;
    calls.unshift(call);
    for (const id of callInputs(call)) needed.add(id);
  }
  if (calls.length === 0 || program.inputs.some((input) => needed.has(input.value))) return undefined;
  const constants = new Map([...program.constants].filter(([id]) => needed.has(id)));
  const { state } = tf.engine();
  state.kernelDepth++; // off the gradient tape
  try {
    return replay({ ...program, inputs: [], constants, calls, outputs: [{ name: 'value', value }] }, {}, { backend: 'cpu' })['value']?.data;
  } finally {
    state.kernelDepth--;
  }
}
