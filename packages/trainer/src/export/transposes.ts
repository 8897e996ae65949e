// Explains the Transposes that remain in a graph: the file's layout at an input or output, or the network's own axis
// order in between.
import type { Model } from '@forja/core/onnx';

/** One Transpose node. */
export interface TransposeLeft {
  node: string;
  perm: number[];
  why: string;
}

const TO_NCHW = '0,3,1,2';
const TO_NHWC = '0,2,3,1';

/** All Transpose nodes, in graph order. */
export function transposesOf({ graph }: Model): TransposeLeft[] {
  if (graph === undefined) return [];
  const [inputs, outputs] = [
    new Set(graph.inputs.map(({ name }) => name)),
    new Set(graph.outputs.map(({ name }) => name)),
  ];
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, string[]>();
  for (const { inputs: names, opType = '' } of graph.nodes)
    for (const name of new Set(names)) readers.set(name, [...(readers.get(name) ?? []), opType]);
  return graph.nodes
    .filter(({ opType }) => opType === 'Transpose')
    .map(({ name = '', attributes, inputs: [from = ''], outputs: [to = ''] }) => {
      const perm = Array.from(attributes.find((a) => a.name === 'perm')?.ints ?? [], Number);
      const by = [...new Set(readers.get(to) ?? [])].sort().join(', ');
      const order = perm.join();
      const why =
        inputs.has(from) && order === TO_NCHW
          ? `the file takes '${from}' channels last, and ${by || 'its reader'} works on channels first; ` +
            "layout.inputs 'nchw' removes it"
          : outputs.has(to) && order === TO_NHWC
            ? `the file gives '${to}' channels last, but computes it channels first; layout.outputs 'nchw' removes it`
            : order === TO_NHWC
              ? `${makers.get(from)?.opType ?? 'an input'} works on channels first, and ${by || 'what follows'} ` +
                "needs tfjs's order, channels last"
              : order === TO_NCHW
                ? `${makers.get(from)?.opType ?? 'an input'} works in tfjs's order, channels last, and ` +
                  `${by || 'what follows'} on channels first`
                : `the network reorders its axes here, between ${makers.get(from)?.opType ?? 'an input'} and ` +
                  `${by || (outputs.has(to) ? 'an output' : 'what follows')}`;
      return { node: name, perm, why };
    });
}
