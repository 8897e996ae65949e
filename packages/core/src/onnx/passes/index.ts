// The passes in the order they run, and the loop that runs them until nothing changes. They work on any model.
import { givenModel } from '../given.js';
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
 * The model with its main graph rewritten by `passes` until nothing changes. The given model is not changed; unchanged
 * parts are shared.
 */
export function optimizeModel(model: Model, passes: readonly Pass[] = PASSES): Model {
  const { graph: given } = givenModel('optimizeModel', model);
  if (given === undefined) return model;
  let graph = given;
  for (;;) {
    const before = graph;
    for (const pass of passes) graph = pass(graph);
    if (graph === before) return graph === given ? model : { ...model, graph };
  }
}
