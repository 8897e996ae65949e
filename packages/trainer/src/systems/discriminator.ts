// A discriminator as an exported file: takes examples (and a class or text, if it is conditional) and returns a score
// of how real each is.
import { sizeOf, type TensorSpec } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { FieldSpec } from '../data/dataset.js';
import type { GanLoss } from '../losses/index.js';
import type { Output } from './system.js';

/** Arguments of {@link discriminatorOutput}. */
export interface DiscriminatorParts {
  /**
   * Logits of examples in inference mode, [n, 1] or, per patch, [n, h, w, 1]; `condition` is the class or text, if
   * there is one.
   */
  judge(example: tf.Tensor, condition: tf.Tensor | undefined): tf.Tensor;
  /** Pictures [height, width, channels], or vectors [size]. */
  readonly example: FieldSpec;
  readonly loss: GanLoss;
  /** The input with the class or text that examples are judged for. */
  readonly condition?: TensorSpec & { name: string };
  /** Default `discriminator.onnx`. */
  readonly file?: string;
}

/** The output: `score` [batch], averaged over patches; within 0..1 if the loss turns logits into probabilities. */
export function discriminatorOutput(parts: DiscriminatorParts): Output {
  const { judge, example, loss, condition, file = 'discriminator.onnx' } = parts;
  const picture = example.shape.length === 3;
  return {
    model: (x: tf.Tensor, given?: tf.Tensor) => scoreOf(loss, judge(x, given)),
    inputs: [
      {
        name: picture ? 'image' : 'example',
        role: picture ? 'image' : 'tensor',
        dtype: 'float32',
        shape: ['batch', ...example.shape],
        ...(picture ? { range: [-1, 1] satisfies [number, number] } : {}),
      },
      ...(condition === undefined ? [] : [condition]),
    ],
    outputs: [{ name: 'score', role: 'score', ...(loss.probability === undefined ? {} : { range: [0, 1] }) }],
    file,
    kind: 'function',
  };
}

/** One number per example. */
function scoreOf({ probability = tf.clone }: GanLoss, logits: tf.Tensor): tf.Tensor {
  const patches = tf.reshape(probability(logits), [logits.shape[0] ?? -1, sizeOf(logits.shape.slice(1))]);
  return patches.shape[1] === 1 ? tf.reshape(patches, [-1]) : tf.mean(patches, 1);
}
