// Merges a constant added to a ConvTranspose into its bias input. tfjs's transposed convolution has no bias, so its
// layers add it; merging saves one pass over the picture.
import { DATA_TYPE, type Graph, type Node, type TensorProto } from '@forja/core/onnx';
import { indexOf } from './graph-index.js';

/**
 * Merges each Add of a per-channel initializer ([C, 1, 1] or [1, C, 1, 1]) into the ConvTranspose before it, if that
 * has no bias.
 */
export function mergeTransposedBias(graph: Graph): Graph {
  const { initializers, producers, reads } = indexOf(graph);
  const merged = new Map<Node, Node>();
  const gone = new Set<Node>();
  const added = new Map<string, TensorProto>();
  for (const add of graph.nodes) {
    if (add.opType !== 'Add') continue;
    const [a = '', b = ''] = add.inputs;
    for (const [sum, constant] of [
      [a, b],
      [b, a],
    ] as const) {
      const [conv, bias] = [producers.get(sum), initializers.get(constant)];
      if (conv?.opType !== 'ConvTranspose' || conv.inputs.length !== 2 || reads.get(sum) !== 1 || bias === undefined)
        continue;
      const channels = channelsOf(initializers.get(conv.inputs[1] ?? ''), conv);
      const rawData = perChannel(bias, channels);
      if (rawData === undefined) continue;
      const name = `${constant}/bias${channels}`;
      added.set(name, { ...bias, name, dims: [BigInt(channels)], rawData });
      merged.set(conv, { ...conv, inputs: [...conv.inputs, name], outputs: [...add.outputs] });
      gone.add(add);
      break;
    }
  }
  if (merged.size === 0) return graph;
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => merged.get(node) ?? node);
  return { ...graph, nodes, initializers: [...graph.initializers, ...added.values()] };
}

/** Output channels of a ConvTranspose. */
function channelsOf(weights: TensorProto | undefined, conv: Node): number {
  const group = conv.attributes.find((attribute) => attribute.name === 'group')?.i ?? 1n;
  return Number((weights?.dims[1] ?? -1n) * group);
}

/**
 * The bytes of a bias with one float per channel, from a constant along the channels or a single number. Undefined for
 * other constants.
 */
function perChannel({ dims, rawData, dataType }: TensorProto, channels: number): Uint8Array | undefined {
  if (rawData === undefined || dataType !== DATA_TYPE.float32 || channels < 1) return undefined;
  const count = dims.reduce((x, y) => x * y, 1n);
  if (count === 1n && dims.length <= 4) return Uint8Array.from({ length: 4 * channels }, (_, i) => rawData[i % 4] ?? 0);
  const along = dims.length === 4 && dims[0] === 1n ? dims.slice(1) : dims;
  return along.length === 3 && along[0] === BigInt(channels) && along[1] === 1n && along[2] === 1n
    ? rawData
    : undefined;
}
