// The check of a model that a caller gives, for callers without types; check.ts goes through its parts.
import { UsageError } from '../errors.js';
import { isBytes, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { Graph, Model } from './ir.js';

/** The model, if it is one as `decodeModel` gives it. Throws UsageError. */
export function givenModel(where: string, model: Model): Model {
  const { graph }: { graph?: unknown } = optionsOf(where, model);
  if (graph !== undefined) givenGraph(`${where}.graph`, graph as Graph);
  return model;
}

/** The graph, if it is one. Throws UsageError. */
export function givenGraph(where: string, graph: Graph): Graph {
  for (const field of ['nodes', 'inputs', 'outputs', 'initializers'] as const) {
    const list: unknown = optionsOf(where, graph)[field];
    if (!Array.isArray(list)) throw new UsageError(`${where}.${field}: expected a list, got ${shown(list)}`);
  }
  return graph;
}

/** The bytes of a model. Throws UsageError. */
export function givenBytes(where: string, bytes: Uint8Array): Uint8Array {
  const given: unknown = bytes;
  if (!isBytes(given)) throw new UsageError(`${where}: expected the bytes of a model, got ${shown(given)}`);
  return given;
}
