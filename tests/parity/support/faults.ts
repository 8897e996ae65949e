// Injects seeded faults into ONNX models: one number, axis, order, operator or attribute is changed, like mistakes of
// converters.
import type { Attribute, Graph, Model, Node, TensorProto } from '@forja/core/onnx';
import type { Dice } from './random-models.js';

/** A model with one fault, and its name. */
export interface Fault {
  kind: string;
  model: Model;
  what: string;
}

type Site = { what: string; graph: Graph };
type Maker = (graph: Graph, d: Dice) => Site | undefined;

const FLOAT = 1;
const INT64 = 7;

const sizeOf = (tensor: TensorProto): number => tensor.dims.reduce((n, dim) => n * Number(dim), 1);
const floats = (graph: Graph): TensorProto[] => graph.initializers.filter((t) => t.dataType === FLOAT && sizeOf(t) > 0);

/** A copy of the numbers: raw bytes lie anywhere. */
const floatsOf = ({ rawData = new Uint8Array() }: TensorProto): Float32Array =>
  new Float32Array(rawData.slice().buffer);
const wholesOf = ({ rawData = new Uint8Array() }: TensorProto): BigInt64Array =>
  new BigInt64Array(rawData.slice().buffer);
const withBytes = (tensor: TensorProto, data: Float32Array | BigInt64Array): TensorProto => ({
  ...tensor,
  rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

function replaced<T>(list: readonly T[], from: T, to: T): T[] {
  return list.map((one) => (one === from ? to : one));
}
const withTensor = (graph: Graph, from: TensorProto, to: TensorProto): Graph => ({
  ...graph,
  initializers: replaced(graph.initializers, from, to),
});
const withNode = (graph: Graph, from: Node, to: Node): Graph => ({ ...graph, nodes: replaced(graph.nodes, from, to) });
const attribute = (node: Node, name: string): Attribute | undefined => node.attributes.find((a) => a.name === name);
const withAttribute = (node: Node, from: Attribute, change: Partial<Attribute>): Node => ({
  ...node,
  attributes: replaced(node.attributes, from, { ...from, ...change }),
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = ({ s = new Uint8Array() }: Attribute): string => new TextDecoder().decode(s);
const label = (node: Node): string => `${node.opType ?? ''} ${node.name ?? ''}`;

function pick<T>(from: readonly T[], d: Dice): T | undefined {
  return from.length === 0 ? undefined : d.pick(from);
}

const nodesOf = (graph: Graph, ...ops: string[]): Node[] =>
  graph.nodes.filter(({ opType }) => ops.includes(opType ?? ''));

/** Changes numbers of one tensor. */
function numbers(
  change: (data: Float32Array, dims: number[], d: Dice) => boolean,
  fits: (dims: number[]) => boolean = () => true,
): Maker {
  return (graph, d) => {
    const tensor = pick(
      floats(graph).filter((t) => fits(t.dims.map(Number))),
      d,
    );
    if (tensor === undefined) return undefined;
    const data = floatsOf(tensor);
    return change(data, tensor.dims.map(Number), d)
      ? {
          what: `${tensor.name ?? ''} [${tensor.dims.join()}]`,
          graph: withTensor(graph, tensor, withBytes(tensor, data)),
        }
      : undefined;
  };
}

const spread = (data: Float32Array): number => Math.sqrt(data.reduce((sum, v) => sum + v * v, 0) / data.length) || 1;

/** Exchanges two axes of equal size. */
function exchange(data: Float32Array, dims: number[], a: number, b: number): void {
  const before = data.slice();
  const strides = dims.map((_, i) => dims.slice(i + 1).reduce((x, y) => x * y, 1));
  before.forEach((v, flat) => {
    const index = dims.map((n, i) => Math.floor(flat / (strides[i] ?? 1)) % n);
    [index[a], index[b]] = [index[b] ?? 0, index[a] ?? 0];
    data[index.reduce((sum, n, i) => sum + n * (strides[i] ?? 1), 0)] = v;
  });
}

const equalAxes = (dims: number[]): [number, number] | undefined => {
  for (let a = 0; a < dims.length; a++)
    for (let b = a + 1; b < dims.length; b++) if (dims[a] === dims[b] && (dims[a] ?? 1) > 1) return [a, b];
  return undefined;
};

/** Operators exchanged for others of the same inputs. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  Relu: ['Elu', 'Abs', 'Identity', 'Softplus', 'LeakyRelu'],
  LeakyRelu: ['Relu', 'Elu', 'Identity'],
  Tanh: ['Sigmoid', 'Softsign', 'Identity'],
  Sigmoid: ['Tanh', 'HardSigmoid'],
  Elu: ['Relu', 'Selu'],
  Selu: ['Elu'],
  Softplus: ['Relu'],
  Exp: ['Softplus'],
  Add: ['Sub', 'Max'],
  Sub: ['Add'],
  Mul: ['Add', 'Div'],
  Div: ['Mul'],
  Max: ['Min'],
  Min: ['Max'],
  Softmax: ['LogSoftmax', 'Sigmoid'],
  GlobalAveragePool: ['GlobalMaxPool'],
  ReduceMean: ['ReduceSum', 'ReduceMax'],
  ReduceMax: ['ReduceMean'],
  ReduceSum: ['ReduceMean'],
  Sqrt: ['Abs'],
  Floor: ['Ceil', 'Round'],
  Erf: ['Tanh'],
};

/** Whole-number attributes changed. */
function attributeFault(name: string, ops: readonly string[], change: (value: bigint, d: Dice) => bigint): Maker {
  return (graph, d) => {
    const node = pick(
      nodesOf(graph, ...ops).filter((n) => attribute(n, name)?.i !== undefined),
      d,
    );
    const found = node === undefined ? undefined : attribute(node, name);
    if (node === undefined || found?.i === undefined) return undefined;
    const value = change(found.i, d);
    return {
      what: `${label(node)} ${name} ${found.i} → ${value}`,
      graph: withNode(graph, node, withAttribute(node, found, { i: value })),
    };
  };
}

const MAKERS: Readonly<Record<string, Maker>> = {
  'a weight perturbed': numbers((data, _, d) => {
    const i = Math.floor(d.next() * data.length);
    data[i] = (data[i] ?? 0) + spread(data) * d.pick([-2, -1, 1, 2]);
    return true;
  }),
  'a weight of no value': numbers((data, _, d) => {
    const i = Math.floor(d.next() * data.length);
    const changes = Math.abs(data[i] ?? 0) > 1e-3;
    data[i] = 0;
    return changes;
  }),
  'a channel scaled': numbers(
    (data, dims, d) => {
      const [n = 1] = dims;
      const [row, each] = [d.whole(0, n - 1), data.length / n];
      for (let i = row * each; i < (row + 1) * each; i++) data[i] = (data[i] ?? 0) * 1.1;
      return true;
    },
    (dims) => dims.length > 0,
  ),
  'a vector shifted by one channel': numbers(
    (data) => {
      data.set([...data.slice(1), data[0] ?? 0]);
      return true;
    },
    (dims) => dims.some((n) => n > 1) && dims.filter((n) => n > 1).length === 1,
  ),
  'dims swapped': numbers(
    (data, dims) => {
      const axes = equalAxes(dims);
      if (axes !== undefined) exchange(data, dims, ...axes);
      return axes !== undefined;
    },
    (dims) => equalAxes(dims) !== undefined,
  ),
  'a filter read backwards': numbers(
    (data) => {
      data.reverse();
      return data.length > 1;
    },
    (dims) => dims.length > 2,
  ),
  'epsilon or factor wrong': numbers(
    (data, _, d) => {
      data[0] = (data[0] ?? 0) * d.pick([0.1, 0.5, 2, 10]);
      return data[0] !== 0;
    },
    (dims) => dims.every((n) => n === 1),
  ),
  'padding shifted': (graph, d) => {
    const node = pick(
      graph.nodes.filter((n) => attribute(n, 'pads')?.ints.some((p) => p > 0n) === true),
      d,
    );
    const found = node === undefined ? undefined : attribute(node, 'pads');
    if (node === undefined || found === undefined) return undefined;
    const pads = found.ints.slice();
    const half = pads.length / 2;
    const axis = d.pick(
      Array.from({ length: half }, (_, i) => i).filter((i) => (pads[i] ?? 0n) + (pads[i + half] ?? 0n) > 0n),
    );
    const back = (pads[axis] ?? 0n) > 0n ? 1n : -1n;
    [pads[axis], pads[axis + half]] = [(pads[axis] ?? 0n) - back, (pads[axis + half] ?? 0n) + back];
    return {
      what: `${label(node)} pads ${found.ints.join()} → ${pads.join()}`,
      graph: withNode(graph, node, withAttribute(node, found, { ints: pads })),
    };
  },
  'padding at the other end': (graph, d) => {
    const node = pick(
      graph.nodes.filter((n) => attribute(n, 'auto_pad') !== undefined),
      d,
    );
    const found = node === undefined ? undefined : attribute(node, 'auto_pad');
    return node === undefined || found === undefined
      ? undefined
      : { what: label(node), graph: withNode(graph, node, withAttribute(node, found, { s: bytes('SAME_LOWER') })) };
  },
  'axis off by one': attributeFault(
    'axis',
    ['Concat', 'Softmax', 'Gather', 'Split', 'CumSum', 'LogSoftmax'],
    (value, d) => value + (value > 0n && d.chance(0.5) ? -1n : 1n),
  ),
  'axes of an input off by one': (graph, d) => {
    const of = (node: Node): TensorProto | undefined =>
      graph.initializers.find((t) => t.dataType === INT64 && t.name === node.inputs.at(-1));
    const node = pick(
      nodesOf(graph, 'ReduceMean', 'ReduceSum', 'ReduceMax', 'Slice', 'Unsqueeze', 'Squeeze').filter(
        (n) => of(n) !== undefined,
      ),
      d,
    );
    const tensor = node === undefined ? undefined : of(node);
    if (node === undefined || tensor === undefined) return undefined;
    const data = wholesOf(tensor);
    data[0] = (data[0] ?? 0n) + ((data[0] ?? 0n) > 0n ? -1n : 1n);
    const copy = { ...withBytes(tensor, data), name: `${tensor.name ?? ''}_off` };
    const changed = withNode(graph, node, {
      ...node,
      inputs: node.inputs.map((name, i) => (i === node.inputs.length - 1 ? (copy.name ?? name) : name)),
    });
    return { what: label(node), graph: { ...changed, initializers: [...changed.initializers, copy] } };
  },
  'activation swapped': (graph, d) => {
    const node = pick(
      graph.nodes.filter(({ opType = '' }) => Object.hasOwn(OTHERS, opType)),
      d,
    );
    if (node === undefined) return undefined;
    const other = d.pick(OTHERS[node.opType ?? ''] ?? []);
    return {
      what: `${label(node)} → ${other}`,
      graph: withNode(graph, node, {
        ...node,
        opType: other,
        attributes:
          other === node.opType
            ? node.attributes
            : node.attributes.filter(
                ({ name }) => other.startsWith('Reduce') || (name === 'axis' && other === 'LogSoftmax'),
              ),
      }),
    };
  },
  'slope wrong': (graph, d) => {
    const node = pick(
      graph.nodes.filter((n) => ['alpha', 'gamma'].some((name) => attribute(n, name)?.f !== undefined)),
      d,
    );
    const found = node === undefined ? undefined : (attribute(node, 'alpha') ?? attribute(node, 'gamma'));
    return node === undefined || found === undefined
      ? undefined
      : {
          what: label(node),
          graph: withNode(graph, node, withAttribute(node, found, { f: (found.f ?? 0) * 1.5 + 0.01 })),
        };
  },
  'a border of the picture counted': attributeFault('count_include_pad', ['AveragePool'], () => 1n),
  'maximum for mean': (graph, d) => {
    const node = pick(nodesOf(graph, 'MaxPool', 'AveragePool'), d);
    if (node === undefined) return undefined;
    const opType = node.opType === 'MaxPool' ? 'AveragePool' : 'MaxPool';
    return {
      what: label(node),
      graph: withNode(graph, node, {
        ...node,
        opType,
        attributes: node.attributes.filter(({ name }) => name !== 'count_include_pad'),
      }),
    };
  },
  'resizing otherwise': (graph, d) => {
    const node = pick(nodesOf(graph, 'Resize'), d);
    const choices: [string, string][] = [
      ['mode', 'nearest'],
      ['mode', 'linear'],
      ['coordinate_transformation_mode', 'half_pixel'],
      ['coordinate_transformation_mode', 'asymmetric'],
      ['coordinate_transformation_mode', 'align_corners'],
      ['nearest_mode', 'ceil'],
    ];
    const options =
      node === undefined
        ? []
        : choices.filter(
            ([name, text]) =>
              attribute(node, name) !== undefined && textOf(attribute(node, name) as Attribute) !== text,
          ); // it was just found
    const choice = pick(options, d);
    const found = node === undefined || choice === undefined ? undefined : attribute(node, choice[0]);
    return node === undefined || choice === undefined || found === undefined
      ? undefined
      : {
          what: `${label(node)} ${choice.join(' ')}`,
          graph: withNode(graph, node, withAttribute(node, found, { s: bytes(choice[1]) })),
        };
  },
  'pixels shuffled otherwise': (graph, d) => {
    const node = pick(nodesOf(graph, 'DepthToSpace'), d);
    if (node === undefined) return undefined;
    const found = attribute(node, 'mode');
    const text = found !== undefined && textOf(found) === 'CRD' ? 'DCR' : 'CRD';
    // blocksize is always there
    const mode: Attribute = { ...(found ?? (node.attributes[0] as Attribute)), name: 'mode', type: 3, s: bytes(text) };
    return {
      what: label(node),
      graph: withNode(graph, node, {
        ...node,
        attributes: [...node.attributes.filter(({ name }) => name !== 'mode'), mode],
      }),
    };
  },
  'an order of axes exchanged': (graph, d) => {
    const node = pick(
      nodesOf(graph, 'Transpose').filter((n) => (attribute(n, 'perm')?.ints.length ?? 0) > 1),
      d,
    );
    const found = node === undefined ? undefined : attribute(node, 'perm');
    if (node === undefined || found === undefined) return undefined;
    const perm = found.ints.slice();
    const i = d.whole(0, perm.length - 2);
    [perm[i], perm[i + 1]] = [perm[i + 1] ?? 0n, perm[i] ?? 0n];
    return {
      what: `${label(node)} ${found.ints.join()} → ${perm.join()}`,
      graph: withNode(graph, node, withAttribute(node, found, { ints: perm })),
    };
  },
  'a step left out': (graph, d) => {
    const node = pick(
      nodesOf(graph, 'Relu', 'LeakyRelu', 'Tanh', 'Sigmoid', 'Clip', 'Elu', 'PRelu', 'Add', 'Mul', 'Sub', 'Softmax'),
      d,
    );
    return node === undefined
      ? undefined
      : {
          what: label(node),
          graph: withNode(graph, node, {
            ...node,
            opType: 'Identity',
            inputs: node.inputs.slice(0, 1),
            attributes: [],
          }),
        };
  },
  'operands exchanged': (graph, d) => {
    const node = pick(
      nodesOf(graph, 'Sub', 'Div', 'Pow', 'Concat', 'MatMul').filter(
        ({ inputs }) => inputs.length > 1 && inputs[0] !== inputs[1],
      ),
      d,
    );
    return node === undefined
      ? undefined
      : { what: label(node), graph: withNode(graph, node, { ...node, inputs: [...node.inputs].reverse() }) };
  },
  'a bias left out': (graph, d) => {
    const node = pick(
      nodesOf(graph, 'Conv', 'ConvTranspose', 'Gemm').filter(({ inputs }) => inputs.length === 3),
      d,
    );
    return node === undefined
      ? undefined
      : { what: label(node), graph: withNode(graph, node, { ...node, inputs: node.inputs.slice(0, 2) }) };
  },
  'a cut moved by one': (graph, d) => {
    const tensors = (node: Node): (TensorProto | undefined)[] =>
      [1, 2].map((i) => graph.initializers.find((t) => t.dataType === INT64 && t.name === node.inputs[i]));
    const node = pick(
      nodesOf(graph, 'Slice').filter((n) => tensors(n).every((t) => t !== undefined)),
      d,
    );
    const [starts, ends] = node === undefined ? [] : tensors(node);
    if (node === undefined || starts === undefined || ends === undefined) return undefined;
    const moved = [starts, ends].map((t, i) => ({
      ...withBytes(
        t,
        wholesOf(t).map((v) => (v > 1n << 30n || v < 0n ? v : v + 1n)),
      ),
      name: `${t.name ?? ''}_moved${i}`,
    }));
    const changed = withNode(graph, node, {
      ...node,
      inputs: node.inputs.map((name, i) => (i === 1 || i === 2 ? (moved[i - 1]?.name ?? name) : name)),
    });
    return { what: label(node), graph: { ...changed, initializers: [...changed.initializers, ...moved] } };
  },
};

/**
 * A fault of each seed's kind, or undefined if the graph has no place for one. Outdated shapes are removed.
 */
export function faulty(model: Model, d: Dice): Fault | undefined {
  if (model.graph === undefined) return undefined;
  const kind = d.pick(Object.keys(MAKERS));
  const site = MAKERS[kind]?.(model.graph, d);
  return site === undefined
    ? undefined
    : { kind, what: site.what, model: { ...model, graph: { ...site.graph, valueInfo: [] } } };
}

/** Names of all kinds. */
export const FAULTS: readonly string[] = Object.keys(MAKERS);
