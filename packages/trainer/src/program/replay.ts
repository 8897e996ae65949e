// Replays a program kernel by kernel in eager tfjs. Used to fold constants, to test rewrites, and as the reference that
// exports are verified against.
import { UsageError, type TypedArray } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { rowOf } from '../kernels/rows.js';
import { onBackend } from '../tfjs/engine.js';
import {
  callInputs,
  dataOf,
  type ConstantData,
  type KernelCall,
  type Program,
  type ProgramDType,
  type ValueId,
} from './program.js';
import { specialize } from './sizes.js';
import { STAND_INS } from './stand-ins.js';

/** A value in tfjs's logical layout. */
export interface ReplayTensor {
  dtype: ProgramDType;
  shape: number[];
  data: ConstantData;
}

/** Options of {@link replay}. */
export interface ReplayOptions {
  /**
   * The tfjs backend to run on, which must be ready; kernels that it lacks are composed from others or run on `cpu`.
   * Default: the current one.
   */
  backend?: string;
  /** Sizes of the named dims, for a program with dynamic sizes. */
  sizes?: Record<string, number>;
  /** Called with each call's results, which are valid only during this callback. */
  observe?: (call: KernelCall, outputs: readonly tf.Tensor[]) => void;
}

/** Feeds by input name; state and random inputs are fed like any other. Data is row-major in the input's shape. */
export type ReplayFeeds = Record<string, { readonly data: ArrayLike<number> | TypedArray } | tf.Tensor>;

/**
 * Runs every call of `program` with tfjs's own kernels and returns the outputs by name.
 * @throws UsageError for a missing feed, one of the wrong size, or an unknown backend.
 */
export function replay(
  program: Program,
  feeds: ReplayFeeds,
  options: ReplayOptions = {},
): Record<string, ReplayTensor> {
  const { backend } = options;
  let results: Record<string, ReplayTensor> = {};
  const run = (): void => {
    // tf.tidy would search a returned array for tensors, element by element
    tf.tidy(
      () =>
        void (results = interpret(
          options.sizes === undefined ? program : specialize(program, options.sizes),
          feeds,
          options.observe,
        )),
    );
  };
  if (backend === undefined) {
    run();
    return results;
  }
  const found: tf.KernelBackend | null = tf.findBackend(backend);
  if (found === null)
    throw new UsageError(
      `replay: expected a registered and ready tfjs backend, got '${backend}'; import it and await tf.setBackend once`,
    );
  onBackend(backend, found, run);
  return results;
}

function interpret(
  program: Program,
  feeds: ReplayFeeds,
  observe: ReplayOptions['observe'],
): Record<string, ReplayTensor> {
  const values = new Map<ValueId, tf.Tensor>();
  const last = lastUses(program);
  const make = (id: ValueId, data: ArrayLike<number>): tf.Tensor => {
    const { dtype, shape } = program.values[id] ?? { dtype: 'float32', shape: [] };
    return tf.tensor(dataOf(data, dtype), shape.map(Number), dtype);
  };
  for (const { name, value } of program.inputs) {
    const feed = feeds[name];
    if (feed === undefined)
      throw new UsageError(`replay: expected a feed for '${name}', got ${Object.keys(feeds).join(', ') || 'none'}`);
    // programs hold no 64-bit integers
    const data = feed instanceof tf.Tensor ? feed.dataSync() : (feed.data as ArrayLike<number>);
    const shape = program.values[value]?.shape.map(Number) ?? [];
    if (data.length !== tf.util.sizeFromShape(shape))
      throw new UsageError(
        `replay: expected ${tf.util.sizeFromShape(shape)} numbers for '${name}' [${shape.join(', ')}], got ` +
          `${data.length}`,
      );
    values.set(value, make(value, data));
  }
  for (const [id, data] of program.constants) values.set(id, make(id, data));
  const at = (id: ValueId): tf.Tensor => {
    const value = values.get(id);
    if (value === undefined) throw new Error(`replay: expected value %${id} to be defined before its use`);
    return value;
  };
  program.calls.forEach((call, index) => {
    const outputs = runCall(call, at);
    observe?.(call, outputs);
    call.outputs.forEach((id, i) => {
      const output = outputs[i];
      if (output !== undefined) values.set(id, output);
    });
    for (const id of [...callInputs(call), ...call.outputs]) {
      if ((last.get(id) ?? -1) > index) continue;
      values.get(id)?.dispose();
      values.delete(id);
    }
  });
  return Object.fromEntries(
    program.outputs.map(({ name, value }) => {
      const tensor = at(value);
      const dtype = tensor.dtype as ProgramDType; // programs hold only these types
      return [name, { dtype, shape: [...tensor.shape], data: dataOf(tensor.dataSync(), dtype) }];
    }),
  );
}

/**
 * Whether a call on the WASM backend may make later calls in the process hang or return wrong results. SpaceToBatchND
 * and BatchToSpaceND do so at some small sizes, and so do pools whose window is larger than the picture, which XNNPACK
 * fails to set up.
 */
function isDamaging({ kernel, inputs, attrs }: KernelCall, at: (id: ValueId) => tf.Tensor): boolean {
  if (kernel === 'BatchToSpaceND' || kernel === 'SpaceToBatchND') return true;
  const x = inputs['x'];
  if ((kernel !== 'MaxPool' && kernel !== 'AvgPool') || typeof x !== 'number') return false;
  const [, height = 0, width = 0] = at(x).shape;
  const [down = 1, across = down] = [attrs['filterSize']].flat() as number[]; // a pool's attribute
  return down > height || across > width;
}

/** Runs one kernel on tensors. tfjs moves their data between backends by itself. */
function runCall(call: KernelCall, at: (id: ValueId) => tf.Tensor): tf.Tensor[] {
  const given = Object.entries(call.inputs);
  // Variadic kernels take their tensors as one list; tfjs's types do not show it.
  const inputs = given.some(([, ids]) => Array.isArray(ids))
    ? callInputs(call).map(at)
    : Object.fromEntries(given.map(([name, id]) => [name, at(id as ValueId)]));
  const run = (): unknown =>
    tf
      .engine()
      .runKernel(call.kernel, inputs as unknown as tf.NamedTensorMap, structuredClone(call.attrs) as tf.NamedAttrMap);
  const own = hasKernel(call.kernel, tf.getBackend()) && !(tf.getBackend() === 'wasm' && isDamaging(call, at));
  const standIn = own ? undefined : rowOf(STAND_INS, call.kernel)?.(callInputs(call).map(at), call.attrs);
  if (standIn !== undefined) return [standIn];
  const cpu = own ? null : (tf.findBackend('cpu') as tf.KernelBackend | null); // its type omits the null
  const result = cpu === null ? run() : onBackend('cpu', cpu, run);
  return Array.isArray(result) ? (result as tf.Tensor[]) : [result as tf.Tensor];
}

/** Whether a backend has a kernel of its own. */
export function hasKernel(kernel: string, backend: string): boolean {
  return tf.getKernel(kernel, backend) !== undefined;
}

/**
 * For each value, the index of the last call that reads it; for a program output, calls.length, so that it is kept to
 * the end.
 */
function lastUses(program: Program): Map<ValueId, number> {
  const last = new Map<ValueId, number>();
  program.calls.forEach((call, index) => {
    for (const id of callInputs(call)) last.set(id, index);
  });
  for (const { value } of program.outputs) last.set(value, program.calls.length);
  return last;
}
