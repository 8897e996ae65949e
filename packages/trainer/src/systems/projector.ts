// A generator as an exported file that returns the distance between its output and a target picture, and the gradient
// of that distance with respect to the latent; used to project a picture into latent space.
import * as tf from '@tensorflow/tfjs';
import type { Output } from './system.js';

/** Name of the file. */
const FILE = 'projector.onnx';

/** Whether an output makes pictures from a latent, as {@link projectorOutput} requires. */
export const isProjectable = ({ inputs, outputs }: Output): boolean =>
  inputs.some(({ role }) => role === 'latent') && outputs[0]?.role === 'image';

/**
 * The projector. Inputs: the generator's, and `target`, pictures [batch, …shape] in the generator's output range.
 * Outputs: `loss` [batch], the mean squared difference to the target, and `gradient` [batch, latent] of each picture's
 * loss. Weights are constant.
 */
export function projectorOutput(output: Output, shape: readonly number[]): Output {
  const { inputs, outputs, model } = output;
  const at = inputs.findIndex(({ role }) => role === 'latent');
  const pictureOf = (given: tf.Tensor[]): tf.Tensor => {
    const made =
      typeof model === 'function'
        ? model(...given)
        : (model.apply(given.length === 1 ? (given[0] as tf.Tensor) : given, { training: false }) as tf.Tensor);
    if (made instanceof tf.Tensor) return made;
    return (Array.isArray(made) ? made[0] : made[outputs[0]?.name ?? '']) as tf.Tensor; // the first output
  };
  const [range] = outputs.map((one) => one.range);
  return {
    model: (...given: tf.Tensor[]) => {
      const [target, own] = [given.at(-1), given.slice(0, -1)] as [tf.Tensor, tf.Tensor[]]; // the inputs declared below
      let kept: tf.Tensor | undefined;
      const gradient = tf.grad((z) => {
        const picture = pictureOf(own.map((input, i) => (i === at ? z : input)));
        const loss = tf.mean(tf.squaredDifference(picture, target), [1, 2, 3]);
        kept = tf.keep(tf.clone(loss)); // tfjs disposes the tensors of a gradient function
        return tf.sum(loss);
      })(own[at] as tf.Tensor);
      const loss = tf.clone(kept as unknown as tf.Tensor); // set by the function above
      (kept as unknown as tf.Tensor).dispose();
      return { loss, gradient };
    },
    inputs: [
      ...inputs,
      { name: 'target', role: 'image', dtype: 'float32', shape: ['batch', ...shape], ...(range ? { range } : {}) },
    ],
    outputs: [{ name: 'loss' }, { name: 'gradient' }],
    file: FILE,
    kind: 'function',
  };
}
