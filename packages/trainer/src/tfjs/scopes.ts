// Which of tfjs's ops are running, by the names of its engine's scopes.
import * as tf from '@tensorflow/tfjs';

/** Names of the two innermost ops that are running, the inner one last. */
export function innermostOps(): string[] {
  return tf
    .engine()
    .state.scopeStack.slice(-2)
    .map((scope) => scope.name);
}

/**
 * Whether the tensor that tfjs is making now holds the random numbers of a dropout, which are uniform on [0, 1) and
 * drawn in JavaScript.
 */
export function insideDropout(): boolean {
  const [outer, inner] = innermostOps();
  return outer === 'dropout__op' && inner === 'randomUniform__op';
}

/** Whether any of tfjs's ops is running. */
export function insideOp(): boolean {
  return tf.engine().state.scopeStack.some(({ name }) => name.endsWith('__op'));
}
