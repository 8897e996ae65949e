// Who makes and who reads each value of an ONNX graph, for the passes that finish a lowered graph.
import type { Graph, Node, TensorProto } from '@forja/core/onnx';

/** Facts about the values of a graph, by name. */
export interface GraphIndex {
  initializers: ReadonlyMap<string, TensorProto>;
  producers: ReadonlyMap<string, Node>;
  /** How often each value is read, by nodes and as an output. */
  reads: ReadonlyMap<string, number>;
}

/** Collects them. */
export function indexOf(graph: Graph): GraphIndex {
  const reads = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name ?? '')])
    reads.set(name, (reads.get(name) ?? 0) + 1);
  return {
    initializers: new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor])),
    producers: new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const))),
    reads,
  };
}
