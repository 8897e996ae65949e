// The passes in the order they are run, and the loop that runs them until nothing changes. They work on any model's
// graph, ours or not.
import type { Model } from '../ir.js';
import { cancelAcrossElementwise, mergeTransposes } from './cancel-transposes.js';
import { removeDead } from './remove-dead.js';
import { removeIdentities } from './remove-identities.js';
import type { Pass } from './scope.js';
import { shareInitializers } from './share-initializers.js';

export type { Pass } from './scope.js';

/** All passes. None changes what the model computes, nor its inputs, outputs or their names. */
export const PASSES: readonly Pass[] = [
  mergeTransposes,
  cancelAcrossElementwise,
  removeIdentities,
  shareInitializers,
  removeDead,
];

/**
 * The model with its main graph rewritten by `passes` until none finds anything. The given model is left as it is; what
 * is unchanged is shared.
 */
export function optimizeModel(model: Model, passes: readonly Pass[] = PASSES): Model {
  if (model.graph === undefined) return model;
  let graph = model.graph;
  for (;;) {
    const before = graph;
    for (const pass of passes) graph = pass(graph);
    if (graph === before) return graph === model.graph ? model : { ...model, graph };
  }
}
