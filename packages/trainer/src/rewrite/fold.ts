// Constant folding: calls that read only constants are computed once, by tfjs's cpu kernels, and become constants.
import * as tf from '@tensorflow/tfjs';
import { traitsOf } from '../kernels/traits.js';
import { callInputs, type KernelCall, type Program } from '../program/program.js';
import { countOf, Rewriter } from '../program/graph.js';
import { replay } from '../program/replay.js';

/** Results up to this many elements are always folded; larger ones only if they are no larger than their inputs. */
const SMALL = 1 << 12;

/**
 * Calls without inputs, such as Fill, are folded up to this many elements (a row of channels); larger ones stay calls.
 */
const ROW = 1 << 10;

/**
 * Convolutions and products are folded only if elements read × elements made is below this, as their cost grows faster
 * than their size.
 */
const HEAVY = 1e8;

/** Folds calls that read only constants. Does nothing if tfjs has no cpu backend. */
export function foldConstants(program: Program): Program {
  const rewriter = new Rewriter(program);
  if ((tf.findBackend('cpu') as tf.KernelBackend | null) === null) return program; // its type omits the null
  return rewriter.run((call) => {
    if (isFoldable(call, rewriter)) fold(call, rewriter);
    else rewriter.emit(call);
  });
}

function isFoldable(call: KernelCall, on: Rewriter): boolean {
  const [ids, traits] = [callInputs(call), traitsOf(call.kernel)];
  if (
    traits.impure === true ||
    !ids.every((id) => on.constants.has(id)) ||
    tf.getKernel(call.kernel, 'cpu') === undefined
  )
    return false;
  const sizes = call.outputs.map((id) => countOf(on.shape(id)));
  if (sizes.some((size) => size === undefined) || Object.values(call.attrs).some(isDynamic)) return false;
  const made = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  if (ids.length === 0) return made <= ROW;
  const read = ids.reduce((sum, id) => sum + (on.constants.get(id)?.length ?? 0), 0);
  return made <= Math.max(SMALL, read) && !(traits.multiplies === 'sums' && made * read > HEAVY);
}

/** Whether an attribute holds a symbolic size. */
function isDynamic(value: unknown): boolean {
  return Array.isArray(value) ? value.some(isDynamic) : typeof value === 'object' && value !== null;
}

function fold(call: KernelCall, on: Rewriter): void {
  const { values, constants } = on;
  const ids = callInputs(call);
  const [from, to] = [ids[0], call.outputs[0]];
  // A reshape keeps the data: share the array, as weights are large.
  const same = call.kernel === 'Reshape' && from !== undefined ? constants.get(from) : undefined;
  if (same !== undefined && to !== undefined) {
    constants.set(to, same);
    return;
  }
  const outputs = call.outputs.map((value) => ({ name: String(value), value }));
  const results = replay(
    {
      values,
      inputs: [],
      constants: new Map(ids.map((id) => [id, constants.get(id) ?? new Float32Array()])),
      calls: [call],
      outputs,
    },
    {},
    { backend: 'cpu' },
  );
  for (const { name, value } of outputs) {
    const data = results[name]?.data;
    if (data !== undefined) constants.set(value, data);
  }
}
