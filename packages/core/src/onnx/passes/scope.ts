// What passes ask of a graph: who makes and who reads a value, and which names must stay because something out of sight
// uses them.
import type { Attribute, Graph, Node, TensorProto } from '../ir.js';

/**
 * A rewriting of one graph. Returns the graph itself when there is nothing to do, never changes it. Subgraphs are
 * looked into but left as they are.
 */
export type Pass = (graph: Graph) => Graph;

/** Who uses what. */
export interface Scope {
  readonly producers: ReadonlyMap<string, Node>;
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  readonly inputs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  /** Names that subgraphs or annotations use: neither to be renamed nor to change meaning. */
  readonly pinned: ReadonlySet<string>;
}

/** Looks through a graph once. */
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

/** Every name that the subgraphs of a node mention, at any depth: more than they capture, never less. */
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

/** The graph with other nodes; descriptions of values that are gone go too. */
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
