// expandWeights: converts weights that are stored in 8 or 16 bits or half precision back to float32, so that rewrites
// can read them. Supports the output of storeWeights, and DequantizeLinear of weights, which other tools write.
import { fromHalf } from '../../half.js';
import { littleEndian } from '../build/constants.js';
import { initializerOf } from '../build/model.js';
import { attributesOf, operatorOf } from '../facts/shapes.js';
import { floatsOf, sizesOf } from '../facts/tensors.js';
import { givenModel } from '../given.js';
import { DATA_TYPE, type Graph, type Model, type Node, type TensorProto } from '../ir.js';
import { removeDead } from '../passes/remove-dead.js';
import { captured } from '../passes/scope.js';

/** Constant numbers. */
interface Constant {
  sizes: number[];
  values: Float32Array;
}

/**
 * The model with all stored weights as float32, with exactly the numbers that a runtime computes. Returns the same
 * model if there are none, or if activations are quantised too (QuantizeLinear), because runtimes have special
 * operators for such models. The given model is not changed.
 */
export function expandWeights(model: Model): Model {
  const { graph } = givenModel('expandWeights', model);
  if (graph === undefined || graph.nodes.some(({ opType = '' }) => /QuantizeLinear$/.test(opType))) return model;
  const expanded = expandGraph(graph);
  return expanded === graph ? model : { ...model, graph: expanded };
}

function expandGraph(graph: Graph): Graph {
  const fed = new Set(graph.inputs.map(({ name }) => name ?? ''));
  const tensors = new Map(
    graph.initializers.filter(({ name }) => !fed.has(name ?? '')).map((tensor) => [tensor.name ?? '', tensor]),
  );
  const made = new Map<string, Constant>();
  for (const node of graph.nodes) {
    const value = valueOf(node, made, tensors);
    if (value !== undefined) made.set(node.outputs[0] ?? '', value);
  }
  if (made.size === 0) return graph;
  const others = graph.nodes.filter(({ outputs }) => !made.has(outputs[0] ?? ''));
  const read = new Set([
    ...others.flatMap((node) => [...node.inputs, ...captured(node)]),
    ...graph.outputs.map(({ name }) => name ?? ''),
  ]);
  return removeDead({
    ...graph,
    nodes: others,
    initializers: [
      ...graph.initializers,
      ...[...made]
        .filter(([name]) => read.has(name))
        .map(([name, { sizes, values }]) =>
          initializerOf({ name, dtype: 'float32', shape: sizes, data: littleEndian('float32', values) }),
        ),
    ],
  });
}

/** The result of a node that reads only stored weights and constants; undefined for other nodes. */
function valueOf(
  node: Node,
  made: ReadonlyMap<string, Constant>,
  tensors: ReadonlyMap<string, TensorProto>,
): Constant | undefined {
  const [a = '', b = '', c = ''] = node.inputs;
  const operator = operatorOf(node);
  if (operator === 'Cast')
    return attributesOf(node)['to'] === DATA_TYPE.float32 ? smallNumbers(tensors.get(a)) : undefined;
  if (operator === 'DequantizeLinear') {
    const [values, scale] = [smallNumbers(tensors.get(a)), floats(tensors.get(b))];
    const zero = c === '' ? undefined : smallNumbers(tensors.get(c));
    const { axis = 1, block_size: block = 0 } = attributesOf(node);
    if (values === undefined || scale === undefined || (c !== '' && zero === undefined) || block !== 0)
      return undefined;
    const shifted = zero === undefined ? values : combined(values, placed(zero, values, Number(axis)), minus);
    return shifted && combined(shifted, placed(scale, values, Number(axis)), times);
  }
  const first = made.get(a);
  if (first === undefined || (operator !== 'Sub' && operator !== 'Mul')) return undefined;
  return combined(first, floats(tensors.get(b)), operator === 'Sub' ? minus : times);
}

const minus = (a: number, b: number): number => a - b;
const times = (a: number, b: number): number => a * b;

/** A vector reshaped so that it broadcasts along `axis` of the second argument; a single number becomes a scalar. */
function placed(vector: Constant, { sizes }: Constant, axis: number): Constant {
  const at = axis < 0 ? axis + sizes.length : axis;
  return vector.values.length === 1
    ? { ...vector, sizes: [] }
    : { ...vector, sizes: sizes.map((_, i) => (i === at ? vector.values.length : 1)) };
}

/** Applies `op` in float32 to `a` and `b`, where `b` is constant along all axes but one; undefined for other shapes. */
function combined(a: Constant, b: Constant | undefined, op: (a: number, b: number) => number): Constant | undefined {
  if (b === undefined || b.sizes.length > a.sizes.length) return undefined;
  const offset = a.sizes.length - b.sizes.length;
  const long = b.sizes.flatMap((size, i) => (size === 1 ? [] : [i + offset]));
  const [axis = 0] = long;
  if (long.length > 1 || (long.length === 1 && a.sizes[axis] !== b.values.length)) return undefined;
  const inner = a.sizes.slice(axis + 1).reduce((n, size) => n * size, 1);
  const values = new Float32Array(a.values.length);
  const count = long.length === 0 ? 1 : b.values.length;
  for (let i = 0; i < values.length; i++)
    values[i] = op(a.values[i] ?? 0, b.values[count === 1 ? 0 : Math.floor(i / inner) % count] ?? 0);
  return { sizes: a.sizes, values };
}

function floats(tensor: TensorProto | undefined): Constant | undefined {
  const values = floatsOf(tensor);
  return tensor === undefined || values === undefined ? undefined : { sizes: sizesOf(tensor), values };
}

/** By element type: bytes per number, and a function that reads one. */
const SMALL: ReadonlyMap<number | undefined, readonly [bytes: number, read: (view: DataView, at: number) => number]> =
  new Map([
    [DATA_TYPE.int8, [1, (view, at) => view.getInt8(at)]],
    [DATA_TYPE.uint8, [1, (view, at) => view.getUint8(at)]],
    [DATA_TYPE.int16, [2, (view, at) => view.getInt16(at, true)]],
    [DATA_TYPE.uint16, [2, (view, at) => view.getUint16(at, true)]],
    [DATA_TYPE.float16, [2, (view, at) => fromHalf(view.getUint16(at, true))]],
  ]);

/** The numbers of a tensor of 8 or 16 bits in the file; undefined for other types, and for external data. */
function smallNumbers(tensor: TensorProto | undefined): Constant | undefined {
  const small = SMALL.get(tensor?.dataType);
  if (tensor === undefined || small === undefined || tensor.externalData.length > 0) return undefined;
  const [bytes, read] = small;
  const sizes = sizesOf(tensor);
  const count = sizes.reduce((a, b) => a * b, 1);
  const values = new Float32Array(count);
  const { rawData } = tensor;
  if (rawData === undefined) {
    // these types share a field of integers, which holds half-precision numbers as bits
    if (tensor.int32Data.length !== count) return undefined;
    for (let i = 0; i < count; i++) {
      const number = tensor.int32Data[i] ?? 0;
      values[i] = tensor.dataType === DATA_TYPE.float16 ? fromHalf(number) : number;
    }
    return { sizes, values };
  }
  if (rawData.length !== bytes * count) return undefined;
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  for (let i = 0; i < count; i++) values[i] = read(view, bytes * i);
  return { sizes, values };
}
