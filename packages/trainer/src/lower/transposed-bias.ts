// A constant added to a ConvTranspose becomes its bias. tfjs's transposed convolution has none, so its layers add it; one pass over the picture is saved.
import type { Graph, Node, TensorProto } from '@forja/core/onnx';

/** `graph` with every Add of a per-channel initializer ([C, 1, 1] or [1, C, 1, 1]) to a ConvTranspose without bias merged into it. */
export function mergeTransposedBias(graph: Graph): Graph {
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor]));
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const reads = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.name ?? '')]) reads.set(name, (reads.get(name) ?? 0) + 1);

  const merged = new Map<Node, Node>();
  const gone = new Set<Node>();
  const added = new Map<string, TensorProto>();
  for (const add of graph.nodes) {
    if (add.opType !== 'Add') continue;
    const [a = '', b = ''] = add.inputs;
    for (const [sum, constant] of [[a, b], [b, a]] as const) {
      const [conv, bias] = [producers.get(sum), initializers.get(constant)];
      if (conv?.opType !== 'ConvTranspose' || conv.inputs.length !== 2 || reads.get(sum) !== 1 || bias === undefined) continue;
      if (!fits(bias, initializers.get(conv.inputs[1] ?? ''), conv)) continue;
      const name = `${constant}/bias`;
      added.set(name, { ...bias, name, dims: [bias.dims.reduce((x, y) => x * y, 1n)] });
      merged.set(conv, { ...conv, inputs: [...conv.inputs, name], outputs: [...add.outputs] });
      gone.add(add);
      break;
    }
  }
  if (merged.size === 0) return graph;
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => merged.get(node) ?? node);
  return { ...graph, nodes, initializers: [...graph.initializers, ...added.values()] };
}

/** One number for each output channel, in the channels' axis. */
function fits(bias: TensorProto, weights: TensorProto | undefined, conv: Node): boolean {
  const dims = bias.dims.at(0) === 1n && bias.dims.length === 4 ? bias.dims.slice(1) : bias.dims;
  const group = conv.attributes.find((attribute) => attribute.name === 'group')?.i ?? 1n;
  const channels = (weights?.dims[1] ?? -1n) * group;
  return bias.rawData !== undefined && dims.length === 3 && dims[0] === channels && dims[1] === 1n && dims[2] === 1n;
}
