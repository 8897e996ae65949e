// Pass: removes Identity nodes. Readers read the Identity's input; if its output is a graph output, the producer takes
// that name.
import type { Graph, Node } from '../ir.js';
import { isOp, reading, scopeOf, withNodes } from './scope.js';

/**
 * An Identity stays only if it copies a graph input, an initializer, another graph output, or a value that a subgraph
 * uses, to a graph output.
 */
export function removeIdentities(graph: Graph): Graph {
  const { producers, outputs, pinned } = scopeOf(graph);
  const read = new Map<string, string>();
  const renamed = new Map<string, string>();
  const gone = new Set<Node>();
  for (const node of graph.nodes) {
    const [source, target] = [node.inputs[0], node.outputs[0]];
    if (!isOp(node, 'Identity') || source === undefined || target === undefined) continue;
    const from = read.get(source) ?? source;
    if (!outputs.has(target) && !pinned.has(target)) {
      read.set(target, from);
      gone.add(node);
    } else if (
      outputs.has(target) &&
      producers.has(from) &&
      !outputs.has(from) &&
      !pinned.has(from) &&
      !pinned.has(target) &&
      !renamed.has(from)
    ) {
      renamed.set(from, target);
      gone.add(node);
    }
  }
  if (gone.size === 0) return graph;
  // The replacement may itself be renamed.
  for (const [name, from] of read) read.set(name, renamed.get(from) ?? from);
  for (const [from, target] of renamed) read.set(from, target);
  const nodes = graph.nodes
    .filter((node) => !gone.has(node))
    .map((node) => {
      const outputsRenamed = node.outputs.some((name) => renamed.has(name))
        ? { ...node, outputs: node.outputs.map((name) => renamed.get(name) ?? name) }
        : node;
      return reading(outputsRenamed, read);
    });
  return withNodes(graph, nodes);
}
