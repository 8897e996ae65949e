// Which of tfjs's ops are running, as its engine's scopes name them.
import * as tf from '@tensorflow/tfjs';

/** Names of the two innermost ops that are running, the inner one last. */
export function innermostOps(): string[] {
  return tf
    .engine()
    .state.scopeStack.slice(-2)
    .map((scope) => scope.name);
}

/** Whether the tensor that tfjs now makes holds a dropout's random numbers: uniform on [0, 1), drawn in JavaScript. */
export function insideDropout(): boolean {
  const [outer, inner] = innermostOps();
  return outer === 'dropout__op' && inner === 'randomUniform__op';
}

/** Whether any of tfjs's ops is running. */
export function insideOp(): boolean {
  return tf.engine().state.scopeStack.some(({ name }) => name.endsWith('__op'));
}
