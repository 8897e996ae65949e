// Queries that passes make on a graph: the producer and readers of a value, and which names must be kept because
// subgraphs or annotations use them.
import type { Attribute, Graph, Node, TensorProto } from '../ir.js';

/**
 * A rewrite of one graph. Returns the same graph if there is nothing to do; never mutates it. Subgraphs are inspected
 * but not changed.
 */
export type Pass = (graph: Graph) => Graph;

/** Producers and readers. */
export interface Scope {
  readonly producers: ReadonlyMap<string, Node>;
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  readonly inputs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  /** Names that subgraphs or annotations use; these values must keep their name and meaning. */
  readonly pinned: ReadonlySet<string>;
}

/** Collects the scope in one pass over the graph. */
export function scopeOf(graph: Graph): Scope {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  const pinned = new Set(
    graph.quantizationAnnotation.flatMap(({ tensorName, quantParameters }) => [
      tensorName ?? '',
      ...quantParameters.map(({ value }) => value ?? ''),
    ]),
  );
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== '') producers.set(name, node);
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
    for (const name of captured(node)) pinned.add(name);
  }
  return {
    producers,
    readers,
    inputs: new Set(graph.inputs.map(({ name }) => name ?? '')),
    outputs: new Set(graph.outputs.map(({ name }) => name ?? '')),
    initializers: new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor])),
    pinned,
  };
}

/** Every name that the subgraphs of a node mention, at any depth: a superset of those captured. */
export function captured(node: Node): string[] {
  const inside = ({ g, graphs }: Attribute): Graph[] => (g === undefined ? graphs : [g, ...graphs]);
  return node.attributes
    .flatMap(inside)
    .flatMap((graph) => [
      ...graph.nodes.flatMap((inner) => [...inner.inputs, ...captured(inner)]),
      ...graph.outputs.map(({ name }) => name ?? ''),
    ]);
}

/** Whether the node is this operator of the default domain. */
export function isOp(node: Node | undefined, opType: string): node is Node {
  return (
    node !== undefined &&
    node.opType === opType &&
    (node.domain === undefined || node.domain === '' || node.domain === 'ai.onnx')
  );
}

/** The graph with other nodes, without the value infos of removed values. */
export function withNodes(graph: Graph, nodes: Node[], stale: ReadonlySet<string> = new Set()): Graph {
  const made = new Set([
    ...nodes.flatMap((node) => node.outputs),
    ...graph.inputs.map(({ name }) => name ?? ''),
    ...graph.initializers.map(({ name }) => name ?? ''),
  ]);
  const known = graph.valueInfo.filter(({ name }) => made.has(name ?? '') && !stale.has(name ?? ''));
  return { ...graph, nodes, valueInfo: known };
}

/** The node with inputs renamed. */
export function reading(node: Node, names: ReadonlyMap<string, string>): Node {
  return node.inputs.some((name) => names.has(name))
    ? { ...node, inputs: node.inputs.map((name) => names.get(name) ?? name) }
    : node;
}
