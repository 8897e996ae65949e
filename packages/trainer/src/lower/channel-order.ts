// tfjs's depthToSpace reads a pixel's channels as (row, column, depth), PyTorch's pixel shuffle as (depth, row,
// column). If constants determine the order of the channels, they are permuted to PyTorch's, which more runtimes
// support.
import type { Attribute, Graph, Node, TensorProto } from '@forja/core/onnx';
import { indexOf } from './graph-index.js';

/** Element-wise nodes that do not depend on the channel; their first input is the picture. */
const ALIKE: ReadonlySet<string> = new Set(['Clip', 'Elu', 'LeakyRelu', 'Relu', 'Selu', 'Sigmoid', 'Tanh']);

/**
 * Switches each DepthToSpace to mode CRD if its channels come from a Conv or Gather with constants that nothing else
 * reads.
 */
export function shuffleByDepth(graph: Graph): Graph {
  const { initializers, producers, reads } = indexOf(graph);
  const changed = new Map<Node, Node>();
  const added = new Map<string, TensorProto>();
  for (const node of graph.nodes) {
    const block =
      node.opType === 'DepthToSpace' && text(attribute(node, 'mode')) === 'DCR'
        ? Number(attribute(node, 'blocksize')?.i ?? 0n)
        : 0;
    if (block === 0) continue;
    let name = node.inputs[0] ?? '';
    let source = producers.get(name);
    while (source !== undefined && ALIKE.has(source.opType ?? '') && reads.get(name) === 1) {
      name = source.inputs[0] ?? '';
      source = producers.get(name);
    }
    if (source === undefined || reads.get(name) !== 1) continue;
    const constants = constantsOf(source).map((constant) => initializers.get(constant));
    const count = Number(constants[0]?.dims[0] ?? 0n);
    const order = Array.from(
      { length: count },
      (_, i) => (i % (block * block)) * (count / (block * block)) + Math.floor(i / (block * block)),
    );
    const moved = constants.map((tensor) => (tensor === undefined ? undefined : inOrder(tensor, order)));
    if (count === 0 || count % (block * block) !== 0 || moved.some((tensor) => tensor === undefined)) continue;
    for (const tensor of moved) if (tensor !== undefined) added.set(tensor.name ?? '', tensor);
    const [first, ...rest] = source.inputs;
    changed.set(source, { ...source, inputs: [first ?? '', ...rest.map((input, i) => moved[i]?.name ?? input)] });
    changed.set(node, {
      ...node,
      attributes: node.attributes.map((each) =>
        each.name === 'mode' ? { ...each, s: new TextEncoder().encode('CRD') } : each,
      ),
    });
  }
  if (changed.size === 0) return graph;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => changed.get(node) ?? node),
    initializers: [...graph.initializers, ...added.values()],
  };
}

/** Names of the constants that determine the order of a node's channels; empty for other nodes. */
function constantsOf(node: Node): string[] {
  if (node.opType === 'Conv' && (attribute(node, 'group')?.i ?? 1n) === 1n) return node.inputs.slice(1);
  return node.opType === 'Gather' && attribute(node, 'axis')?.i === 1n ? node.inputs.slice(1) : [];
}

/** The tensor with its rows in `order`, under a new name. */
function inOrder(tensor: TensorProto, order: readonly number[]): TensorProto | undefined {
  const { rawData, dims, name = '' } = tensor;
  if (rawData === undefined || dims[0] !== BigInt(order.length)) return undefined;
  const row = rawData.length / order.length;
  const moved = new Uint8Array(rawData.length);
  order.forEach((from, to) => moved.set(rawData.subarray(from * row, (from + 1) * row), to * row));
  return { ...tensor, name: `${name}/by_depth`, rawData: moved };
}

const attribute = (node: Node, name: string): Attribute | undefined =>
  node.attributes.find((each) => each.name === name);

const text = (found: Attribute | undefined): string =>
  found?.s === undefined ? '' : new TextDecoder().decode(found.s);
