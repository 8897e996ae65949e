// Pass: stores initializers that are equal bit for bit once.
import { ConstantStore } from '../build/constants.js';
import type { Graph, TensorProto } from '../ir.js';
import { reading, scopeOf, withNodes } from './scope.js';

/**
 * Keeps the first of equal ones. Skips external data, strings, initializers that are also inputs or outputs, and those
 * that subgraphs use.
 */
export function shareInitializers(graph: Graph): Graph {
  const { inputs, outputs, pinned } = scopeOf(graph);
  const store = new ConstantStore<TensorProto>();
  const names = new Map<string, string>();
  for (const tensor of graph.initializers) {
    const [name, stored] = [tensor.name ?? '', bytesOf(tensor)];
    if (stored === undefined || inputs.has(name)) continue;
    const first = store.once(`${tensor.dataType ?? 0} ${stored.field}`, tensor.dims, stored.bytes, () => tensor);
    if (first !== tensor && !outputs.has(name) && !pinned.has(name)) names.set(name, first.name ?? '');
  }
  if (names.size === 0) return graph;
  const initializers = graph.initializers.filter(({ name }) => !names.has(name ?? ''));
  return withNodes(
    { ...graph, initializers },
    graph.nodes.map((node) => reading(node, names)),
  );
}

/** A tensor's storage field and bytes. Raw and typed storage of the same numbers do not count as equal. */
function bytesOf(tensor: TensorProto): { field: string; bytes: Uint8Array } | undefined {
  if (
    tensor.externalData.length > 0 ||
    tensor.stringData.length > 0 ||
    tensor.segment !== undefined ||
    tensor.unknown !== undefined
  )
    return undefined;
  if (tensor.rawData !== undefined) return { field: 'raw', bytes: tensor.rawData };
  const { floatData, int32Data, int64Data, uint64Data, doubleData } = tensor;
  const [field, data] = Object.entries({ floatData, int32Data, int64Data, uint64Data, doubleData }).find(
    ([, values]) => values.length > 0,
  ) ?? ['none', floatData];
  return { field, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}
