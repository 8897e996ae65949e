// The contents of a picture of a graph: a box for each layer, with its operators, output shape and parameters. Weights,
// and values computed only from weights, are not drawn.
import { DATA_TYPE, factsOf, type Fact, type Graph, type Model, type Node, type ValueInfo } from '@forja/core/onnx';
import { attributesOf, kindOf, kindOfAll, wordsFor, type OpKind } from './ops.js';

/** One operator of a box. */
export interface Row {
  text: string;
  /** Its layer, if the box has the name of another one. */
  layer?: string;
  /** Everything about it, for a tooltip. */
  details: string;
}

/** A box. `parameters` is the number of elements of the float weights that no earlier box uses. */
export interface Box {
  kind: OpKind | 'port';
  title: string;
  rows: Row[];
  /** Output shape, such as `[batch, 3, 64, 64]`; empty if unknown. */
  shape: string;
  parameters: number;
  /** Titles of the boxes in which its other weights were counted. */
  shared: string[];
  /** Equal for boxes that differ only in the values of their weights. */
  alike: string;
}

/** Boxes in topological order, and the indices of the boxes that each reads from. */
export interface Diagram {
  boxes: Box[];
  sources: number[][];
}

/** One node as a line of a table. */
export interface NodeLine {
  name: string;
  op: string;
  shape: string;
  parameters: number;
}

/** The diagram of a model's graph, and a line for each node that is drawn. */
export function diagramOf(model: Model, graph: Graph): { diagram: Diagram; lines: NodeLine[] } {
  const opset = Number(model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 0n);
  const shapes = shapesOf(graph, factsOf(graph, opset));
  const weights = weightsOf(graph);
  const nodes = graph.nodes.filter((node) => !isWeight(node, weights));
  const used = usesOf(graph, nodes);
  const countedAt = new Map<string, string>();
  const diagram: Diagram = { boxes: [], sources: [] };
  const lines: NodeLine[] = [];
  /** The box that computes a value. */
  const home = new Map<string, number>();
  const add = (box: Box, reads: readonly number[]): number => {
    diagram.sources.push([...new Set(reads)]);
    return diagram.boxes.push(box) - 1;
  };

  for (const info of graph.inputs) {
    const { name = '' } = info;
    if (!weights.has(name)) home.set(name, add(portBox('input', info, shapes.get(name) ?? ''), []));
  }
  /** Layer of the last node of each box. */
  const layers = new Map<number, string>();
  for (const node of nodes) {
    const layer = layerOf(node);
    const inputs = readsOf(node);
    const dynamic = [...new Set(inputs.filter((name) => home.has(name)))];
    const [only = ''] = dynamic;
    const before = home.get(only);
    const title = before === undefined ? layer : (diagram.boxes[before]?.title ?? layer);
    const joins =
      before !== undefined &&
      dynamic.length === 1 &&
      used.get(only) === 1 &&
      layers.has(before) &&
      (layers.get(before) === layer || kindOf(node) === 'activation');
    const { parameters, shared } = countWeights(inputs, weights, countedAt, joins ? title : layer);
    const weight = weights.get(node.inputs[1] ?? '')?.sizes;
    const shape = shapes.get(node.outputs[0] ?? '') ?? '';
    const row: Row = {
      text: wordsFor(node, weight),
      details: [
        node.name ?? '',
        `${node.opType ?? '?'}: ${inputs.join(', ')} → ${node.outputs.join(', ')}`,
        ...[...attributesOf(node)].map(([name, text]) => `${name} ${text}`),
        ...inputs.flatMap((name) => (weights.has(name) ? [`${name} ${bracket(weights.get(name)?.sizes)}`] : [])),
      ]
        .filter((line) => line !== '')
        .join('\n'),
    };
    const alike = JSON.stringify([
      node.domain ?? '',
      row.text,
      [...attributesOf(node)],
      inputs.map((name) => weights.get(name)?.sizes ?? null),
      shape,
      parameters,
      shared.length > 0 ? shared : 0,
    ]);
    lines.push({ name: node.name ?? '', op: row.text, shape, parameters });
    let at: number;
    if (joins) {
      at = before;
      const box = diagram.boxes[at] as Box; // it was added before
      if (layer !== box.title) row.layer = layer;
      box.rows.push(row);
      box.kind = kindOfAll([box.kind as OpKind, kindOf(node)]); // a layer's box is not an input or output
      Object.assign(box, { shape, parameters: box.parameters + parameters, alike: box.alike + alike });
      box.shared.push(...shared.filter((other) => !box.shared.includes(other)));
    } else {
      const reads = dynamic.flatMap((name) => home.get(name) ?? []);
      at = add({ kind: kindOf(node), title: layer, rows: [row], shape, parameters, shared, alike }, reads);
    }
    layers.set(at, layer);
    for (const name of node.outputs) if (name !== '') home.set(name, at);
  }
  for (const info of graph.outputs) {
    const from = home.get(info.name ?? '');
    add(portBox('output', info, shapes.get(info.name ?? '') ?? ''), from === undefined ? [] : [from]);
  }
  return { diagram, lines };
}

function portBox(what: 'input' | 'output', { name = '', type }: ValueInfo, shape: string): Box {
  const { elemType } = type?.tensor ?? {};
  const dtype = (elemType ? TYPE_NAME.get(elemType) : OTHERS.find((kind) => type?.[kind] !== undefined)) ?? '';
  const row: Row = { text: `${what}${dtype === '' ? '' : `, ${dtype}`}`, details: `${what} ${name}` };
  return { kind: 'port', title: name, rows: [row], shape, parameters: 0, shared: [], alike: `${what} ${name}` };
}

/** Types other than tensors. */
const OTHERS = ['sparseTensor', 'sequence', 'optional', 'map', 'opaque'] as const;
const TYPE_NAME = new Map<number, string>(Object.entries(DATA_TYPE).map(([name, value]) => [value, name]));

/**
 * The scope in a node's name (tfjs: `layer/Conv`, PyTorch: `/features/0/Conv`), else the name, else the name of an
 * output, else the operator.
 */
function layerOf({ name = '', outputs, opType = '?' }: Node): string {
  const path = name.replace(/^\//, '');
  const end = path.lastIndexOf('/');
  return (end > 0 ? path.slice(0, end) : path) || outputs.find((output) => output !== '') || opType;
}

/** Names that a node reads, including values captured by its subgraphs. */
function readsOf(node: Node): string[] {
  const inner = node.attributes.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs)).flatMap(capturedBy);
  return [...node.inputs, ...inner].filter((name) => name !== '');
}

function capturedBy(graph: Graph): string[] {
  const own = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const read = [...graph.nodes.flatMap(readsOf), ...graph.outputs.map(({ name = '' }) => name)];
  return [...new Set(read)].filter((name) => !own.has(name));
}

/** A value known without running: its shape, and the initializers that it is computed from. */
interface Weight {
  sizes: number[] | undefined;
  /** Parameters of each initializer, by name. */
  parts: Map<string, number>;
}

const FLOATS: ReadonlySet<number | undefined> = new Set([
  DATA_TYPE.float32,
  DATA_TYPE.float16,
  DATA_TYPE.float64,
  DATA_TYPE.bfloat16,
]);

function weightsOf(graph: Graph): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const { name = '', dims, dataType } of graph.initializers) {
    const sizes = dims.map(Number);
    const count = FLOATS.has(dataType) ? sizes.reduce((product, size) => product * size, 1) : 0;
    weights.set(name, { sizes, parts: new Map([[name, count]]) });
  }
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    const inputs = readsOf(node);
    const known = node.opType === 'Constant' || (inputs.length > 0 && inputs.every((name) => weights.has(name)));
    if (!known || /^Random|Multinomial|Bernoulli/.test(node.opType ?? '')) continue;
    if (node.outputs.some((name) => outputs.has(name))) continue;
    const parts = new Map(inputs.flatMap((name) => [...(weights.get(name)?.parts ?? [])]));
    const keeps = /^(Cast|Identity|DequantizeLinear)$/.test(node.opType ?? '');
    const sizes = keeps ? weights.get(node.inputs[0] ?? '')?.sizes : undefined;
    for (const name of node.outputs) if (name !== '') weights.set(name, { sizes, parts });
  }
  return weights;
}

const isWeight = ({ outputs }: Node, weights: ReadonlyMap<string, Weight>): boolean =>
  outputs.every((name) => name === '' || weights.has(name));

/** Counts parameters that no earlier box has counted, and names the boxes that have counted the others. */
function countWeights(
  inputs: readonly string[],
  weights: ReadonlyMap<string, Weight>,
  countedAt: Map<string, string>,
  title: string,
): { parameters: number; shared: string[] } {
  let parameters = 0;
  const shared = new Set<string>();
  for (const [name, count] of inputs.flatMap((input) => [...(weights.get(input)?.parts ?? [])])) {
    const counted = countedAt.get(name);
    if (counted === undefined) {
      countedAt.set(name, title);
      parameters += count;
    } else if (count > 1 && counted !== title) shared.add(counted);
  }
  return { parameters, shared: [...shared] };
}

/** How often each value is read, by nodes and as an output. */
function usesOf(graph: Graph, nodes: readonly Node[]): Map<string, number> {
  const uses = new Map<string, number>();
  const read = [...nodes.flatMap((node) => [...new Set(readsOf(node))]), ...graph.outputs.map(({ name = '' }) => name)];
  for (const name of read) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/** Shapes of values as text: inferred, else as the file declares them. */
function shapesOf(graph: Graph, facts: ReadonlyMap<string, Fact>): Map<string, string> {
  const shapes = new Map<string, string>();
  for (const { name = '', type } of [...graph.valueInfo, ...graph.outputs, ...graph.inputs]) {
    const dims = type?.tensor?.shape?.dims;
    if (dims) shapes.set(name, bracket(dims.map(({ value, param }) => (value === undefined ? param || '?' : value))));
  }
  for (const [name, { shape }] of facts) if (!shapes.has(name)) shapes.set(name, bracket(shape));
  return shapes;
}

function bracket(sizes: readonly (number | bigint | string)[] | undefined): string {
  return sizes ? `[${sizes.map((size) => String(size).replace(/\b(unknown|unnamed)_\d+\b/g, '?')).join(', ')}]` : '';
}
