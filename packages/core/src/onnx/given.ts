// Checks, for callers without types, that an argument is a model; check.ts checks the model's parts.
import { UsageError } from '../errors.js';
import { isBytes, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { Graph, Model } from './ir.js';

/** Returns the model. Throws UsageError if it is not an object of the form that `decodeModel` returns. */
export function givenModel(where: string, model: Model): Model {
  const { graph }: { graph?: unknown } = optionsOf(where, model);
  if (graph !== undefined) givenGraph(`${where}.graph`, graph as Graph);
  return model;
}

/** Returns the graph. Throws UsageError if it is not an object with all lists of one. */
export function givenGraph(where: string, graph: Graph): Graph {
  for (const field of ['nodes', 'inputs', 'outputs', 'initializers'] as const) {
    const list: unknown = optionsOf(where, graph)[field];
    if (!Array.isArray(list)) throw new UsageError(`${where}.${field}: expected a list, got ${shown(list)}`);
  }
  return graph;
}

/** Returns the bytes of a model. Throws UsageError for anything but a Uint8Array. */
export function givenBytes(where: string, bytes: Uint8Array): Uint8Array {
  const given: unknown = bytes;
  if (!isBytes(given)) throw new UsageError(`${where}: expected the bytes of a model, got ${shown(given)}`);
  return given;
}
