// Which of tfjs's ops are running, as its engine's scopes name them.
import * as tf from '@tensorflow/tfjs';

/** Names of the two innermost ops that are running, the inner one last. */
export function innermostOps(): string[] {
  return tf
    .engine()
    .state.scopeStack.slice(-2)
    .map((scope) => scope.name);
}

/** Whether tfjs is making a tensor of a dropout's random numbers, which it draws in JavaScript, uniform on [0, 1). */
export function insideDropout(): boolean {
  const [outer, inner] = innermostOps();
  return outer === 'dropout__op' && inner === 'randomUniform__op';
}
