// Pass: removes nodes and initializers that no output needs.
import type { Graph, Node } from '../ir.js';
import { captured, withNodes } from './scope.js';

/** Keeps graph inputs with their default values: they are the model's signature. */
export function removeDead(graph: Graph): Graph {
  const needed = new Set([...graph.outputs, ...graph.inputs].map(({ name }) => name ?? ''));
  for (const { tensorName, quantParameters } of graph.quantizationAnnotation)
    for (const name of [tensorName, ...quantParameters.map(({ value }) => value)]) needed.add(name ?? '');
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => name !== '' && needed.has(name))) continue;
    kept.push(node);
    for (const name of [...node.inputs, ...captured(node)]) needed.add(name);
  }
  const initializers = graph.initializers.filter(({ name }) => needed.has(name ?? ''));
  const sparseInitializers = graph.sparseInitializers.filter(({ values }) => needed.has(values?.name ?? ''));
  const same =
    kept.length === graph.nodes.length &&
    initializers.length === graph.initializers.length &&
    sparseInitializers.length === graph.sparseInitializers.length;
  return same ? graph : withNodes({ ...graph, initializers, sparseInitializers }, kept.reverse());
}
