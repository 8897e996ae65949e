// Turns the builder's nodes into the IR: only those that the outputs need, in the order emitted.
import type { Dim, DType } from '../../tensor.js';
import {
  DATA_TYPE,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type TensorProto,
  type ValueInfo,
} from '../ir.js';

/** A value for {@link modelOf}. `data` marks an initializer. */
export interface Emitted {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly data?: Uint8Array | undefined;
}

/** A node with its values. */
export interface EmittedNode<V extends Emitted> {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly (V | undefined)[];
  readonly outputs: readonly V[];
  readonly attributes: readonly Attribute[];
}

/** A graph with its values. */
export interface EmittedGraph<V extends Emitted> {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly V[];
  readonly constants: readonly V[];
  readonly nodes: readonly EmittedNode<V>[];
  readonly outputs: readonly V[];
}

/** Opset → lowest IR version that allows it (onnx/docs/Versioning.md). */
const IR_VERSIONS: Readonly<Record<number, bigint>> = { 17: 8n, 18: 8n, 19: 9n, 20: 9n, 21: 10n, 22: 10n };

/** Opsets the builder writes. */
export const OPSETS: readonly number[] = Object.keys(IR_VERSIONS).map(Number);

/** What {@link modelOf} writes in addition to the graph. */
export interface ModelOptions {
  producerName?: string;
  producerVersion?: string;
  metadata?: Record<string, string>;
  valueInfo?: boolean;
}

/** Makes the model. Inputs are kept even if nothing reads them. */
export function modelOf<V extends Emitted>(graph: EmittedGraph<V>, options: ModelOptions): Model {
  const needed = new Set<V>(graph.outputs);
  const nodes: EmittedNode<V>[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((value) => needed.has(value))) continue;
    nodes.push(node);
    for (const value of node.inputs) if (value !== undefined) needed.add(value);
  }
  nodes.reverse();
  const inner =
    options.valueInfo === true
      ? nodes.flatMap((node) => node.outputs).filter((value) => !graph.outputs.includes(value))
      : [];
  const irGraph: Graph = {
    name: graph.name,
    nodes: nodes.map((node) => nodeOf(node, needed)),
    initializers: graph.constants.filter((value) => needed.has(value)).map(initializerOf),
    sparseInitializers: [],
    inputs: graph.inputs.map(infoOf),
    outputs: graph.outputs.map(infoOf),
    valueInfo: inner.map(infoOf),
    quantizationAnnotation: [],
    metadata: [],
  };
  return {
    irVersion: IR_VERSIONS[graph.opset] ?? 10n,
    opsetImport: [{ domain: '', version: BigInt(graph.opset) }],
    producerName: options.producerName ?? 'forja',
    ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
    graph: irGraph,
    metadata: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
    trainingInfo: [],
    functions: [],
    configuration: [],
  };
}

/** Operators that are cheaper without their optional outputs. */
const OPTIONAL_OUTPUTS: ReadonlySet<string> = new Set(['LayerNormalization', 'MaxPool']);

/** The node, without optional outputs that nothing reads. */
function nodeOf<V extends Emitted>(
  { name, op, inputs, outputs, attributes }: EmittedNode<V>,
  needed: ReadonlySet<V>,
): Node {
  const read = OPTIONAL_OUTPUTS.has(op)
    ? Math.max(...outputs.map((value, i) => (needed.has(value) ? i + 1 : 1)))
    : outputs.length;
  return {
    name,
    opType: op,
    inputs: inputs.map((value) => value?.name ?? ''),
    outputs: outputs.slice(0, read).map((value) => value.name),
    attributes: [...attributes],
    metadata: [],
    deviceConfigurations: [],
  };
}

/** An initializer whose data is raw. */
export function initializerOf({ name, dtype, shape, data }: Emitted): TensorProto {
  return {
    name,
    dims: shape.map((dim) => BigInt(dim)),
    dataType: DATA_TYPE[dtype],
    rawData: data ?? new Uint8Array(0),
    floatData: new Float32Array(0),
    int32Data: new Int32Array(0),
    int64Data: new BigInt64Array(0),
    uint64Data: new BigUint64Array(0),
    doubleData: new Float64Array(0),
    stringData: [],
    externalData: [],
    metadata: [],
  };
}

function infoOf({ name, dtype, shape }: Emitted): ValueInfo {
  const dims = shape.map((dim) => (typeof dim === 'number' ? { value: BigInt(dim) } : { param: dim }));
  return { name, type: { tensor: { elemType: DATA_TYPE[dtype], shape: { dims } } }, metadata: [] };
}
