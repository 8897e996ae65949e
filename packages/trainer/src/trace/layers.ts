// Names of tf.layers layers while they are applied, so that a kernel call knows the layer it belongs to.
import * as tf from '@tensorflow/tfjs';
import { override } from '../tfjs/engine.js';

/**
 * Watches every layer's `apply`; `stack` holds the names of the layers being applied, innermost last. The result ends
 * the watch.
 */
export function watchLayers(stack: string[]): () => void {
  return override(
    tf.layers.Layer.prototype,
    'apply',
    (apply) =>
      function (this: tf.layers.Layer, ...args) {
        stack.push(this.name);
        try {
          return apply.apply(this, args);
        } finally {
          stack.pop();
        }
      },
  );
}
