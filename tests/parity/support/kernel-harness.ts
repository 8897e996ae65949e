// Lowers one kernel call at a time and runs it in onnxruntime: a small LowerContext over onnx-buf's protobuf, so that
// what it tests is the rows alone. It is not the product's context: it does no scheduling, placing or sharing, and only
// the inference that casts need.
import { create, toBinary } from '@bufbuild/protobuf';
import type { DType, TypedArray } from '@forja/core';
import type { OpAttributes, OpName, Value } from '@forja/core/onnx';
import * as tf from '@tensorflow/tfjs';
import { AttributeProto_AttributeType as AttributeType, ModelProtoSchema } from 'onnx-buf';
import * as ort from 'onnxruntime-node';
import type {
  BoundCall,
  KernelLowering,
  Logical,
  LowerContext,
  Perm,
} from '../../../packages/trainer/src/lower/contract.js';
import { PORTABLE_KERNELS } from '../../../packages/trainer/src/lower/kernels/index.js';
import type { ProgramDType, Size } from '../../../packages/trainer/src/program/program.js';
import { SHAPE_RULES, type KernelName } from '../../../packages/trainer/src/trace/shapes/index.js';

/** A tensor given to a kernel. `order` is how the graph holds it; logical order by default. */
export interface Given {
  shape: number[];
  dtype: ProgramDType;
  data: readonly number[] | TypedArray;
  order?: Perm;
  /** Declared shape where some sizes are dynamic. */
  sizes?: Size[];
}

/** A kernel call to check. `attrs` are tfjs's; `symbolic` replaces some of them in the lowering. */
export interface Case {
  kernel: KernelName;
  inputs: Record<string, Given | Given[]>;
  attrs?: Record<string, unknown>;
  symbolic?: Record<string, unknown>;
  /** Declared output shapes, where dynamic. */
  outputs?: Size[][];
}

/** What came out, in logical order. */
export interface Result {
  shape: number[];
  dtype: string;
  data: ArrayLike<number>;
}

const CODE: Record<string, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };
const NAME: Record<number, DType> = { 1: 'float32', 2: 'uint8', 6: 'int32', 7: 'int64', 9: 'bool' };
const BOOL_OPS = new Set([
  'Equal',
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
  'IsInf',
]);
const INDEX_OPS = new Set(['ArgMax', 'ArgMin', 'Shape', 'Size']);

/** Shapes and types that the shape rule foretells. */
export function foretold(test: Case): { shape: number[]; dtype: ProgramDType }[] {
  const meta = (g: Given): { shape: number[]; dtype: ProgramDType } => ({ shape: g.shape, dtype: g.dtype });
  return SHAPE_RULES[test.kernel](
    Object.fromEntries(Object.entries(test.inputs).map(([k, v]) => [k, Array.isArray(v) ? v.map(meta) : meta(v)])),
    structuredClone(test.attrs ?? {}),
  );
}

/** What tfjs's eager cpu kernel returns. */
export function eager(test: Case): Result[] {
  const make = (g: Given): tf.Tensor => tf.tensor(typed(g.data, g.dtype) as never, g.shape, g.dtype);
  let results: Result[] = [];
  tf.tidy(() => {
    const lists = Object.values(test.inputs).some(Array.isArray);
    const inputs = lists
      ? Object.values(test.inputs).flatMap((v) => (Array.isArray(v) ? v.map(make) : [make(v)]))
      : Object.fromEntries(Object.entries(test.inputs).map(([k, v]) => [k, make(v as Given)]));
    const out = tf
      .engine()
      .runKernel(test.kernel, inputs as never, structuredClone(test.attrs ?? {}) as never) as unknown as
      tf.Tensor | tf.Tensor[];
    results = (Array.isArray(out) ? out : [out]).map((t) => ({
      shape: t.shape.slice(),
      dtype: t.dtype,
      data: t.dataSync().slice() as unknown as ArrayLike<number>,
    }));
  });
  return results;
}

function typed(data: readonly number[] | TypedArray, dtype: string): TypedArray {
  const values = Array.from(data as ArrayLike<number>);
  return dtype === 'float32'
    ? Float32Array.from(values)
    : dtype === 'int32'
      ? Int32Array.from(values)
      : dtype === 'int64'
        ? BigInt64Array.from(values.map((v) => BigInt(v)))
        : Uint8Array.from(values);
}

/** Lowers the call and runs the graph. `nodes` are the ops emitted, in order. */
export async function lowered(test: Case): Promise<{ results: Result[]; nodes: string[] }> {
  const row = PORTABLE_KERNELS[test.kernel];
  if (typeof row !== 'function') throw new Error(`${test.kernel} is refused: ${row.unsupported}`);
  const graph = new Mini();
  const feeds: Record<string, ort.Tensor> = {};
  const bound: Record<string, Logical | Logical[]> = {};
  let count = 0;
  const feed = (g: Given): Logical => {
    const logical = graph.logical(g.dtype, g.sizes ?? g.shape);
    const order = g.order ?? g.shape.map((_, i) => i);
    const name = `in${count++}`;
    const shape = order.map((axis) => g.shape[axis] as number);
    feeds[name] = new ort.Tensor(g.dtype, typed(permuted(g.data, g.shape, order), g.dtype) as never, shape);
    graph.input(
      name,
      g.dtype,
      order.map((axis) => (g.sizes ?? g.shape)[axis] as Size),
      logical,
      order,
    );
    return logical;
  };
  for (const [name, value] of Object.entries(test.inputs))
    bound[name] = Array.isArray(value) ? value.map(feed) : feed(value);
  const outputs = foretold(test).map((o, i) => graph.logical(o.dtype, test.outputs?.[i] ?? o.shape));
  const call: BoundCall = {
    kernel: test.kernel,
    inputs: bound,
    attrs: { ...test.attrs, ...test.symbolic },
    outputs,
    source: { kernel: test.kernel, inputs: {}, attrs: {}, outputs: [] },
  };
  (row as KernelLowering)(call, graph);
  const bytes = graph.model(outputs);
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'disabled',
  });
  try {
    const ran = await session.run(feeds);
    return {
      nodes: graph.emitted(),
      results: outputs.map((_, i) => {
        const t = ran[`out${i}`];
        if (t === undefined) throw new Error('no output');
        return { shape: [...t.dims], dtype: t.type, data: t.data as unknown as ArrayLike<number> };
      }),
    };
  } finally {
    await session.release();
  }
}

/** Elements reordered so that physical axis i is logical axis order[i]. */
export function permuted(data: readonly number[] | TypedArray, shape: readonly number[], order: Perm): number[] {
  const values = Array.from(data as ArrayLike<number>);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const target = order.map((axis) => shape[axis] as number);
  return values.map((_, flat) => {
    let [rest, source] = [flat, 0];
    for (let i = target.length - 1; i >= 0; i--) {
      const size = target[i] as number;
      source += (rest % size) * (strides[order[i] as number] as number);
      rest = Math.floor(rest / size);
    }
    return values[source] as number;
  });
}

class Mini implements LowerContext {
  readonly opset = 21;
  private readonly nodes: { opType: string; input: string[]; output: string[]; attribute: unknown[] }[] = [];
  private readonly initializers: unknown[] = [];
  private readonly inputs: { name: string; dtype: DType; shape: Size[] }[] = [];
  private readonly placed = new Map<number, { value: Value; perm: Perm }>();
  private next = 0;

  logical(dtype: ProgramDType, shape: readonly Size[]): Logical {
    return { id: this.next++, dtype, shape, rank: shape.length };
  }
  input(name: string, dtype: ProgramDType, shape: Size[], logical: Logical, perm: Perm): void {
    this.inputs.push({ name, dtype, shape });
    this.placed.set(logical.id, { value: { name, dtype, shape: [] }, perm });
  }
  emitted(): string[] {
    return this.nodes.map((n) => n.opType);
  }

  get(value: Logical, perm: Perm = value.shape.map((_, i) => i)): Value {
    const at = this.placed.get(value.id);
    if (at === undefined) throw new Error(`value ${value.id} is not defined`);
    if (perm.every((axis, i) => axis === at.perm[i])) return at.value;
    return this.op('Transpose', [at.value], { perm: perm.map((axis) => at.perm.indexOf(axis)) });
  }
  layoutOf(value: Logical): Perm | undefined {
    return this.placed.get(value.id)?.perm;
  }
  set(output: Logical, value: Value, perm: Perm = output.shape.map((_, i) => i)): void {
    if (perm.length !== output.rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw new Error(`set: order [${perm.join(', ')}] for rank ${output.rank}`);
    if (value.dtype !== output.dtype) throw new Error(`set: ${value.dtype} for ${output.dtype}`);
    this.placed.set(output.id, { value, perm });
  }
  alias(output: Logical, input: Logical): void {
    this.placed.set(output.id, this.placed.get(input.id) as { value: Value; perm: Perm });
  }
  commonLayout(inputs: readonly Logical[], rank: number): Perm {
    const full = inputs.find((v) => v.rank === rank);
    return full === undefined ? Array.from({ length: rank }, (_, i) => i) : (this.layoutOf(full) ?? []);
  }
  broadcast(value: Logical, rank: number, perm: Perm): Value {
    if (value.rank === rank) return this.get(value, perm);
    if (value.rank === 0) return this.get(value);
    const shape = [...new Array<Size>(rank - value.rank).fill(1), ...value.shape];
    const padded = this.reshape(this.get(value), shape);
    return this.op('Transpose', [padded], { perm: [...perm] });
  }
  comesFrom(value: Value, op: OpName): boolean {
    const maker = this.nodes.find((node) => node.output.includes(value.name));
    return maker?.opType === op;
  }
  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: OpAttributes[K]): Value {
    return this.ops(op, inputs, attributes, 1)[0] as Value;
  }
  ops<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    given: OpAttributes[K] | undefined,
    count: number,
  ): Value[] {
    const attributes = given as Record<string, unknown> | undefined; // every attribute type is a plain record
    const output = Array.from({ length: count }, () => `v${this.next++}`);
    this.nodes.push({
      opType: op,
      input: inputs.map((v) => v?.name ?? ''),
      output,
      attribute: Object.entries(attributes ?? {}).map(([name, value]) => attribute(name, value)),
    });
    const first = op === 'Where' ? inputs[1] : inputs[0];
    return output.map((name, i) => ({
      name,
      shape: [],
      dtype:
        op === 'Cast'
          ? (NAME[Number(attributes?.['to'])] as DType)
          : BOOL_OPS.has(op)
            ? 'bool'
            : INDEX_OPS.has(op) || ((op === 'TopK' || op === 'MaxPool') && i === 1)
              ? 'int64'
              : op === 'ConstantOfShape'
                ? 'float32'
                : (first?.dtype ?? 'float32'),
    }));
  }
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[]): Value {
    const name = `c${this.next++}`;
    this.initializers.push({
      name,
      dataType: CODE[dtype],
      dims: shape.map(BigInt),
      rawData: new Uint8Array(typed(data, dtype).buffer),
    });
    return { name, dtype, shape };
  }
  scalar(value: number): Value {
    return this.constant('float32', [], [value]);
  }
  int64s(values: readonly number[]): Value {
    return this.constant('int64', [values.length], values);
  }
  sizes(sizes: readonly Size[]): Value {
    if (sizes.every((s) => typeof s === 'number')) return this.int64s(sizes);
    const parts = sizes.map((size) => {
      if (typeof size === 'number') return this.int64s([size]);
      let sum: Value = this.int64s([size.constant]);
      for (const [name, factor] of Object.entries(size.terms))
        sum = this.op('Add', [sum, this.op('Mul', [this.symbol(name), this.int64s([factor])])]);
      return sum;
    });
    return this.op('Concat', parts, { axis: 0 });
  }
  private symbol(name: string): Value {
    for (const input of this.inputs) {
      const axis = input.shape.findIndex(
        (s) => typeof s !== 'number' && s.constant === 0 && s.terms[name] === 1 && Object.keys(s.terms).length === 1,
      );
      if (axis !== -1)
        return this.op('Shape', [{ name: input.name, dtype: input.dtype, shape: [] }], { start: axis, end: axis + 1 });
    }
    throw new Error(`no input has ${name}`);
  }
  reshape(value: Value, sizes: readonly Size[]): Value {
    return this.op('Reshape', [value, this.sizes(sizes)]);
  }
  constantOf(): undefined {
    return undefined;
  }
  unsupported(why: string): never {
    throw new Error(`unsupported: ${why}`);
  }

  model(outputs: readonly Logical[]): Uint8Array {
    outputs.forEach((o, i) =>
      this.nodes.push({ opType: 'Identity', input: [this.get(o).name], output: [`out${i}`], attribute: [] }),
    );
    const type = (dtype: string, shape?: readonly Size[]): unknown => ({
      value: {
        case: 'tensorType',
        value: {
          elemType: CODE[dtype],
          ...(shape === undefined
            ? {}
            : {
                shape: {
                  dim: shape.map((s) => ({
                    value:
                      typeof s === 'number'
                        ? { case: 'dimValue', value: BigInt(s) }
                        : { case: 'dimParam', value: JSON.stringify(s) },
                  })),
                },
              }),
        },
      },
    });
    const init = {
      irVersion: 10n,
      opsetImport: [{ domain: '', version: 21n }],
      graph: {
        name: 'kernel',
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs.map((v) => ({ name: v.name, type: type(v.dtype, v.shape) })),
        output: outputs.map((v, i) => ({ name: `out${i}`, type: type(v.dtype) })),
      },
    };
    return toBinary(ModelProtoSchema, create(ModelProtoSchema, init as never)); // plain data in the message's own shape
  }
}

function attribute(name: string, value: unknown): unknown {
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value.map((v) => BigInt(v as number)) };
  const float = ['alpha', 'beta', 'gamma', 'epsilon'].includes(name);
  return float
    ? { name, type: AttributeType.FLOAT, f: value }
    : { name, type: AttributeType.INT, i: BigInt(value as number) };
}
