// Hides differences between opsets 17 and 22 from callers of the builder: adapts a call to the form of the opset.
import { UsageError } from '../../errors.js';
import type { AttributeValue } from '../infer/index.js';
import type { OpName } from '../ops.js';
import { SIGNATURES } from './signatures.js';

/** The inputs and attributes of a node. */
export interface Call<V> {
  op: OpName;
  inputs: readonly (V | undefined)[];
  attributes: Record<string, AttributeValue>;
  outputs: number;
}

/** Attributes, and attribute values, introduced after opset 17. */
const SINCE: Partial<Record<OpName, Record<string, { since: number; values?: readonly AttributeValue[] }>>> = {
  AveragePool: { dilations: { since: 19 } },
  Pad: { mode: { since: 19, values: ['wrap'] } },
  Resize: {
    antialias: { since: 18 },
    axes: { since: 18 },
    coordinate_transformation_mode: { since: 19, values: ['half_pixel_symmetric'] },
  },
  ScatterElements: { reduction: { since: 18, values: ['max', 'min'] } },
  ScatterND: { reduction: { since: 18, values: ['max', 'min'] } },
};

/** Reductions whose axes were an attribute before opset 18. ReduceSum's have been an input since 13. */
const AXES_ATTRIBUTE: ReadonlySet<OpName> = new Set([
  'ReduceL2',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
]);

interface Host<V> {
  opset: number;
  where: string;
  /** Elements of a constant integer input; undefined for any other value. */
  numbersOf(value: V): readonly number[] | undefined;
  int64s(values: readonly number[]): V;
  /** Size of an input's axis, where it is fixed. */
  sizeOf(value: V, axis: number): number | undefined;
}

/** The call in the form that the opset requires. Throws UsageError if the opset cannot express it. */
export function adapt<V>(call: Call<V>, host: Host<V>): Call<V> {
  const { op, outputs } = call;
  if (!Object.hasOwn(SIGNATURES, op))
    refuse(host, `expected one of the ${Object.keys(SIGNATURES).length} operators that it knows, got '${String(op)}'`);
  const [least, most, mostOutputs, since] = SIGNATURES[op];
  const given = call.inputs.slice(0, lastGiven(call.inputs) + 1);
  const lacks = (what: string, from: number): never =>
    refuse(host, `expected opset ${from} or newer for ${what}, got ${host.opset}; build with a newer opset`);
  if (since !== undefined && host.opset < since) lacks(op, since);
  if (given.length < least || given.length > most)
    refuse(host, `expected ${least === most ? least : `${least}-${most}`} inputs, got ${given.length}`);
  for (let i = 0; i < least; i++) if (given[i] === undefined) refuse(host, `expected input ${i}, got none`);
  if (op === 'TopK' && outputs !== 2) refuse(host, `expected 2 outputs (values and indices), got ${outputs}`);
  if (outputs < 1 || outputs > mostOutputs) refuse(host, `expected 1-${mostOutputs} outputs, got ${outputs}`);
  for (const [name, { since: from, values }] of Object.entries(SINCE[op] ?? {})) {
    const value = call.attributes[name];
    if (value !== undefined && host.opset < from && (values === undefined || values.includes(value)))
      lacks(`${op}.${name}${values === undefined ? '' : ` ${String(value)}`}`, from);
  }
  if (op === 'Pad' && given[3] !== undefined && host.opset < 18) lacks('the axes of Pad', 18);
  if (AXES_ATTRIBUTE.has(op) && host.opset < 18) return { ...call, ...axesAsAttribute(given, call.attributes, host) };
  if (op === 'Split') return { ...call, ...split(given, call.attributes, outputs, host) };
  return { ...call, inputs: given };
}

function axesAsAttribute<V>(
  inputs: readonly (V | undefined)[],
  attributes: Record<string, AttributeValue>,
  host: Host<V>,
): Pick<Call<V>, 'inputs' | 'attributes'> {
  const { noop_with_empty_axes: noop, ...rest } = attributes;
  if (noop === 1) refuse(host, `expected opset 18 or newer for noop_with_empty_axes, got ${host.opset}`);
  const [x, axes] = inputs;
  if (axes === undefined) return { inputs: [x], attributes: rest };
  const values = host.numbersOf(axes) ?? refuse(host, `expected axes that are a constant in opset ${host.opset}`);
  return { inputs: [x], attributes: values.length === 0 ? rest : { ...rest, axes: values } };
}

/**
 * Split without sizes: from opset 18 it needs num_outputs; before, pieces had to be equal. If the last piece would be
 * empty, onnxruntime requires the sizes.
 */
function split<V>(
  inputs: readonly (V | undefined)[],
  attributes: Record<string, AttributeValue>,
  outputs: number,
  host: Host<V>,
): Pick<Call<V>, 'inputs' | 'attributes'> {
  const { num_outputs: count, ...rest } = attributes;
  if (count !== undefined && count !== outputs) refuse(host, `num_outputs: expected ${outputs}, got ${String(count)}`);
  const [x, sizes] = inputs;
  if (sizes !== undefined) return { inputs, attributes: rest };
  const dim = x === undefined ? undefined : host.sizeOf(x, typeof rest['axis'] === 'number' ? rest['axis'] : 0);
  const chunk = Math.ceil((dim ?? 0) / outputs);
  const numbered = host.opset >= 18;
  if (dim === undefined || dim % outputs === 0 || (numbered && chunk * (outputs - 1) < dim))
    return { inputs: [x], attributes: numbered ? { ...rest, num_outputs: outputs } : rest };
  return {
    inputs: [x, host.int64s(Array.from({ length: outputs }, (_, i) => Math.max(0, Math.min(chunk, dim - i * chunk))))],
    attributes: rest,
  };
}

function lastGiven(inputs: readonly unknown[]): number {
  for (let i = inputs.length - 1; i >= 0; i--) if (inputs[i] !== undefined) return i;
  return -1;
}

function refuse(host: { where: string }, message: string): never {
  throw new UsageError(`${host.where}: ${message}`);
}
