// storeWeights: stores large weights in 8 bits or half precision. Nodes in the file convert them to float32: a Cast,
// then a zero point is subtracted and the result multiplied by a scale for each output channel. Because these nodes
// read only constants, runtimes compute them once, when they load the file. onnxruntime does so for Cast, Sub and Mul,
// but would run DequantizeLinear every time.
import { ModelFormatError, UsageError } from '../../errors.js';
import { halfOf, fromHalf } from '../../half.js';
import { optionsOf } from '../../realm.js';
import { shown } from '../../shown.js';
import { attribute } from '../build/attributes.js';
import { littleEndian } from '../build/constants.js';
import { initializerOf } from '../build/model.js';
import { Names } from '../build/names.js';
import { operatorOf } from '../facts/shapes.js';
import { floatsOf, sizesOf } from '../facts/tensors.js';
import { givenModel } from '../given.js';
import { DATA_TYPE, type Graph, type Model, type Node, type TensorProto } from '../ir.js';
import { affine, onGrid, symmetric, type QuantisedChannel } from './channels.js';
import { along, channelOf, putChannel } from './pieces.js';
import { channelAxis } from './readers.js';

/**
 * How weights are stored. `int8`: a scale for each output channel. `uint8`: a scale and a zero point. `fp16`: half
 * precision. `exact`: in 8 or 16 bits or half precision if that loses nothing, else unchanged. Weights that are on a
 * grid of at most 255 steps already, as in quantised files, lose nothing with `int8` and `uint8` either.
 */
export type WeightStorage = 'int8' | 'uint8' | 'fp16' | 'exact';

/** Names of the storages. */
export const WEIGHT_STORAGES: readonly WeightStorage[] = ['int8', 'uint8', 'fp16', 'exact'];

/** Options of {@link storeWeights}. */
export interface StoreOptions {
  type: WeightStorage;
  /** Weights of fewer numbers stay float32. Default 1024. */
  least?: number;
  /** Names of the weights to store; default all. */
  only?: ReadonlySet<string>;
}

/** A weight that is stored smaller. */
export interface StoredWeight {
  /** Name of the weight. */
  name: string;
  /** The node that reads it. */
  node: string;
  type: 'int8' | 'uint8' | 'uint16' | 'float16';
  shape: number[];
  /** Axis of the output channels, each of which has its own scale; undefined for half precision. */
  axis?: number;
  /** Whether nothing was lost, except for the last bits of float32. */
  exact: boolean;
  /** Signal-to-noise ratio of the weight itself, in decibels; Infinity if it is unchanged. */
  snr: number;
  /** Bytes now, scales included, and before. */
  bytes: number;
  before: number;
}

/** A model whose weights are stored smaller. */
export interface StoredModel {
  model: Model;
  weights: StoredWeight[];
}

const LEAST = 1024;

/**
 * The model with its large weights stored as `type`: those of convolutions, matrix products, tables and recurrent
 * layers. Biases, small weights and everything else stay float32, and so does the computation. The given model is not
 * changed.
 * @throws ModelFormatError `model.unsupported` for weights in external files (read them in with `internalizeModel`), a
 * model that is quantised already or in half precision, one without large float32 weights, and opsets below 7.
 */
export function storeWeights(model: Model, options: StoreOptions): StoredModel {
  const { type, least = LEAST, only } = optionsOf('storeWeights', options, 'least only type');
  if (!WEIGHT_STORAGES.includes(type))
    throw new UsageError(`storeWeights.type: expected one of ${WEIGHT_STORAGES.join(', ')}, got ${shown(type)}`);
  const graph = prepared(givenModel('storeWeights', model));
  const readers = readersOf(graph);
  const large = graph.initializers.filter(
    (tensor) => readers.has(tensor.name ?? '') && sizesOf(tensor).reduce((a, b) => a * b, 1) >= least,
  );
  refuse(model, graph, large, least);
  const names = namesOf(graph);
  const stored = new Map<string, Stored>();
  for (const tensor of large) {
    const reader = readers.get(tensor.name ?? '');
    if (reader === undefined || only?.has(tensor.name ?? '') === false) continue;
    const found = STORE[type](tensor, reader.axis);
    if (found !== undefined) stored.set(tensor.name ?? '', written(tensor, reader, found, names));
  }
  if (stored.size === 0) return { model, weights: [] };
  const replaced = (name: string | undefined): boolean => stored.has(name ?? '');
  return {
    model: {
      ...model,
      // before version 4 of the format, every initializer had to be an input
      irVersion: (model.irVersion ?? 0n) < 4n ? 4n : (model.irVersion ?? 4n),
      graph: {
        ...graph,
        inputs: graph.inputs.filter(({ name }) => !replaced(name)),
        nodes: [...[...stored.values()].flatMap(({ nodes }) => nodes), ...graph.nodes],
        initializers: graph.initializers.flatMap((tensor) => stored.get(tensor.name ?? '')?.tensors ?? [tensor]),
      },
    },
    weights: [...stored.values()].map(({ weight }) => weight),
  };
}

/** The graph with constants of Constant nodes as initializers. */
function prepared({ graph }: Model): Graph {
  if (graph === undefined) throw new ModelFormatError('model.format', 'storeWeights: expected a graph, got none');
  const moved = graph.nodes.flatMap((node): TensorProto[] => {
    const value = operatorOf(node) === 'Constant' ? node.attributes.find(({ name }) => name === 'value')?.t : undefined;
    const large = value?.dataType === DATA_TYPE.float32 && sizesOf(value).length >= 2;
    return large ? [{ ...value, name: node.outputs[0] ?? '' }] : [];
  });
  if (moved.length === 0) return graph;
  const names = new Set(moved.map(({ name }) => name));
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => operatorOf(node) !== 'Constant' || !names.has(node.outputs[0] ?? '')),
    initializers: [...graph.initializers, ...moved],
  };
}

/** The node that reads a weight first, and the axis of the weight's output channels. */
interface Reader {
  node: Node;
  axis: number;
}

function readersOf(graph: Graph): Map<string, Reader> {
  const floats = new Map(
    graph.initializers
      .filter(({ dataType }) => dataType === DATA_TYPE.float32)
      .map((tensor) => [tensor.name ?? '', tensor.dims.length]),
  );
  const readers = new Map<string, Reader>();
  for (const node of graph.nodes)
    for (const [i, name] of node.inputs.entries()) {
      const rank = floats.get(name);
      const axis = rank === undefined || readers.has(name) ? undefined : channelAxis(node, i, rank);
      if (axis !== undefined) readers.set(name, { node, axis });
    }
  return readers;
}

const QUANTISED = /^(Q?DequantizeLinear|(Dynamic)?QuantizeLinear|QLinear\w+|\w+Integer|MatMulNBits)$/;
const SMALL_TYPES: ReadonlySet<number | undefined> = new Set([DATA_TYPE.int8, DATA_TYPE.uint8]);

/** @throws ModelFormatError for what cannot be stored smaller, with the reason. */
function refuse({ opsetImport }: Model, graph: Graph, large: readonly TensorProto[], least: number): void {
  const unsupported = (expected: string, got: string): never => {
    throw new ModelFormatError('model.unsupported', `storeWeights: expected ${expected}, got ${got}`);
  };
  const outside = large.find(({ externalData }) => externalData.length > 0);
  if (outside !== undefined)
    unsupported(
      'weights in the model',
      `'${outside.name ?? ''}' in an external file; read it in with internalizeModel(model, files) first`,
    );
  const quantised = graph.nodes.find(({ opType = '' }) => QUANTISED.test(opType));
  const packed =
    large.length === 0
      ? graph.initializers.find(({ dataType, dims }) => SMALL_TYPES.has(dataType) && dims.length >= 2)
      : undefined;
  if (quantised !== undefined || packed !== undefined)
    unsupported(
      'float32 weights',
      'a model whose weights are quantised already ' +
        `(${quantised === undefined ? `'${packed?.name ?? ''}' has 8 bits` : `it has ${quantised.opType ?? ''}`}); ` +
        'use the float32 model it was made from',
    );
  if (large.length === 0) {
    const halves = graph.initializers.some(({ dataType }) => dataType === DATA_TYPE.float16);
    unsupported(
      'float32 weights',
      halves
        ? 'a model in half precision; use the float32 model it was made from'
        : `a model without any of ${least} numbers or more in a convolution, matrix product or table: it ` +
            'would not get smaller',
    );
  }
  const opset = opsetImport.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n;
  if (opset < 7n)
    unsupported('opset 7 or later', `opset ${opset}; convert the model with onnx.version_converter first`);
}

function namesOf(graph: Graph): Names {
  const names = new Names();
  for (const { name = '' } of [...graph.inputs, ...graph.initializers, ...graph.nodes]) names.take(name);
  for (const node of graph.nodes) for (const name of node.outputs) names.take(name);
  return names;
}

/** A weight in another type. */
interface Found {
  type: StoredWeight['type'];
  /** Little-endian numbers of that type. */
  data: Uint8Array;
  /** For each channel; undefined for half precision. */
  scales?: { axis: number; scale: Float32Array; zero: Float32Array };
  exact: boolean;
  snr: number;
}

/**
 * For each kind of storage, a function that stores a weight in that form. It returns undefined if the weight is left
 * unchanged.
 */
const STORE: Readonly<Record<WeightStorage, (tensor: TensorProto, axis: number) => Found | undefined>> = {
  int8: (tensor, axis) => gridded(tensor, axis, 255) ?? rounded(tensor, axis, symmetric, 'int8'),
  uint8: (tensor, axis) => gridded(tensor, axis, 255) ?? rounded(tensor, axis, affine, 'uint8'),
  fp16: (tensor) => halved(tensor),
  exact: (tensor, axis) => {
    const found = gridded(tensor, axis, 255) ?? gridded(tensor, axis, 65535);
    if (found !== undefined) return found;
    const half = halved(tensor);
    return half?.exact === true ? half : undefined;
  },
};

function halved(tensor: TensorProto): Found | undefined {
  const values = finite(tensor);
  if (values === undefined) return undefined;
  const halves = Uint16Array.from(values, halfOf);
  const back = Float32Array.from(halves, fromHalf);
  if (!back.every(Number.isFinite)) return undefined; // numbers above 65504 became infinite
  const snr = signalToNoise(values, back);
  return { type: 'float16', data: littleEndian('float16', halves), exact: snr === Infinity, snr };
}

/**
 * The weight if each of its channels lies on a grid of `steps` steps; without zero points if the numbers fit into int8.
 */
function gridded(tensor: TensorProto, axis: number, steps: 255 | 65535): Found | undefined {
  const channels = split(tensor, axis, (values) => onGrid(values, steps));
  if (channels === undefined) return undefined;
  if (steps === 65535) return joined(tensor, axis, channels, 'uint16', true);
  const centred = channels.every(({ q, zero }) => q.every((n) => n - zero >= -128 && n - zero <= 127));
  return centred
    ? joined(
        tensor,
        axis,
        channels.map(({ q, scale, zero }) => ({ q: q.map((n) => n - zero), scale, zero: 0 })),
        'int8',
        true,
      )
    : joined(tensor, axis, channels, 'uint8', true);
}

/** The weight with its numbers rounded. */
function rounded(
  tensor: TensorProto,
  axis: number,
  quantise: (values: Float32Array) => QuantisedChannel,
  type: 'int8' | 'uint8',
): Found | undefined {
  const channels = split(tensor, axis, quantise);
  return channels && joined(tensor, axis, channels, type, false);
}

/** Each channel of a weight quantised; undefined if one cannot be, or if the scales would take up what is saved. */
function split(
  tensor: TensorProto,
  axis: number,
  quantise: (values: Float32Array) => QuantisedChannel | undefined,
): QuantisedChannel[] | undefined {
  const values = finite(tensor);
  const shape = along(sizesOf(tensor), axis);
  if (values === undefined || shape.channels * 4 > values.length) return undefined;
  const found: QuantisedChannel[] = [];
  for (let c = 0; c < shape.channels; c++) {
    const channel = quantise(channelOf(values, shape, c));
    if (channel === undefined) return undefined;
    found.push(channel);
  }
  return found;
}

function joined(
  tensor: TensorProto,
  axis: number,
  channels: readonly QuantisedChannel[],
  type: 'int8' | 'uint8' | 'uint16',
  exact: boolean,
): Found {
  const values = finite(tensor) ?? new Float32Array(0);
  const shape = along(sizesOf(tensor), axis);
  const numbers = new Int32Array(values.length);
  const back = new Float32Array(values.length);
  for (const [c, { q, scale, zero }] of channels.entries()) {
    putChannel(numbers, shape, c, q);
    putChannel(
      back,
      shape,
      c,
      Float32Array.from(q, (n) => (n - zero) * scale),
    );
  }
  return {
    type,
    // Written like float16, whose typed array also holds unsigned 16-bit numbers.
    data: type === 'uint16' ? littleEndian('float16', Uint16Array.from(numbers)) : Uint8Array.from(numbers),
    scales: {
      axis,
      scale: Float32Array.from(channels, ({ scale }) => scale),
      zero: Float32Array.from(channels, ({ zero }) => zero),
    },
    exact,
    snr: signalToNoise(values, back),
  };
}

/** The weight's numbers, if all are finite. */
function finite(tensor: TensorProto): Float32Array | undefined {
  const values = floatsOf(tensor);
  return values?.every(Number.isFinite) === true ? values : undefined;
}

/** Decibels: 10·log10(Σ v² / Σ (v - w)²). */
function signalToNoise(values: Float32Array, others: Float32Array): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const v = values[i] ?? 0;
    signal += v * v;
    noise += (v - (others[i] ?? 0)) ** 2;
  }
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}

/** The tensors and nodes that replace a weight. */
interface Stored {
  tensors: TensorProto[];
  nodes: Node[];
  weight: StoredWeight;
}

function written(tensor: TensorProto, reader: Reader, found: Found, names: Names): Stored {
  const { name = '', dims } = tensor;
  const { type, data, scales, exact, snr } = found;
  const small: TensorProto = {
    ...tensor,
    name: names.unique(`${name}/${type}`),
    dataType: DATA_TYPE[type],
    rawData: data,
  };
  small.floatData = new Float32Array(0);
  const tensors = [small];
  const nodes: Node[] = [];
  const op = (opType: string, inputs: string[], output: string): string => {
    const attributes = opType === 'Cast' ? [attribute('Cast', 'to', DATA_TYPE.float32)] : [];
    const own = names.unique(`${name}/${opType.toLowerCase()}`);
    nodes.push({ name: own, opType, inputs, outputs: [output], attributes, metadata: [], deviceConfigurations: [] });
    return output;
  };
  const constant = (suffix: string, axis: number, values: Float32Array): string => {
    const shape = dims.map((dim, i) => (i === axis ? Number(dim) : 1)); // broadcast over the other axes
    const own = names.unique(`${name}/${suffix}`);
    tensors.push(initializerOf({ name: own, dtype: 'float32', shape, data: littleEndian('float32', values) }));
    return own;
  };
  if (scales === undefined) op('Cast', [small.name ?? ''], name);
  else {
    const { axis, scale, zero } = scales;
    let value = op('Cast', [small.name ?? ''], names.unique(`${name}/whole`));
    if (zero.some((z) => z !== 0))
      value = op('Sub', [value, constant('zero', axis, zero)], names.unique(`${name}/shifted`));
    op('Mul', [value, constant('scale', axis, scale)], name);
  }
  const sizes = sizesOf(tensor);
  return {
    tensors,
    nodes,
    weight: {
      name,
      node: reader.node.name || (reader.node.outputs[0] ?? ''),
      type,
      shape: sizes,
      ...(scales === undefined ? {} : { axis: scales.axis }),
      exact,
      snr,
      bytes: tensors.reduce((sum, { rawData }) => sum + (rawData?.length ?? 0), 0),
      before: 4 * sizes.reduce((a, b) => a * b, 1),
    },
  };
}
