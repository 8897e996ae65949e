// Finishes a lowered model: removes unused nodes and initializers, sorts inputs into the program's order, and gives
// outputs the program's sizes.
import type { Dim } from '@forja/core';
import type { Graph, Model, Shape } from '@forja/core/onnx';
import { shuffleByDepth } from './channel-order.js';
import { mergeTransposedBias } from './transposed-bias.js';

/**
 * Finishes `model`. `inputs`: names in the wanted order. `outputs`: sizes by name, with the program's names of dims.
 */
export function finish(model: Model, inputs: readonly string[], outputs: ReadonlyMap<string, readonly Dim[]>): Model {
  const { graph } = model;
  if (graph === undefined) return model;
  const live = prune(shuffleByDepth(mergeTransposedBias(graph)));
  const place = (name: string | undefined): number => inputs.indexOf(name ?? '');
  return {
    ...model,
    graph: {
      ...live,
      inputs: [...live.inputs].sort((a, b) => place(a.name) - place(b.name)),
      outputs: live.outputs.map((output) => {
        const dims = outputs.get(output.name ?? '');
        if (dims === undefined || output.type?.tensor === undefined) return output;
        return { ...output, type: { ...output.type, tensor: { ...output.type.tensor, shape: shapeOf(dims) } } };
      }),
    },
  };
}

function shapeOf(dims: readonly Dim[]): Shape {
  return { dims: dims.map((dim) => (typeof dim === 'number' ? { value: BigInt(dim) } : { param: dim })) };
}

/**
 * Removes nodes whose outputs are all unused, and the initializers and shapes of removed values. Nodes must be in
 * execution order.
 */
function prune(graph: Graph): Graph {
  const read = new Set(graph.outputs.map((output) => output.name ?? ''));
  const nodes = [...graph.nodes]
    .reverse()
    .filter((node) => {
      if (!node.outputs.some((name) => name !== '' && read.has(name))) return false;
      for (const name of node.inputs) read.add(name);
      return true;
    })
    .reverse();
  const made = new Set(nodes.flatMap((node) => node.outputs));
  return {
    ...graph,
    nodes,
    initializers: graph.initializers.filter((tensor) => read.has(tensor.name ?? '')),
    valueInfo: graph.valueInfo.filter((value) => made.has(value.name ?? '')),
  };
}
