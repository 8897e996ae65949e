// Optional inputs of a kernel, such as a batch norm's scale and offset: tfjs's tape tries to save them even if they are
// absent, and fails.
import * as tf from '@tensorflow/tfjs';
import { override } from '../tfjs/engine.js';

/** Chooses what the tape saves of a call. Private in tfjs's types, but a plain method of its engine. */
interface Saving {
  getTensorsForGradient: (
    kernel: string,
    inputs: Readonly<Record<string, tf.Tensor | null | undefined>>,
    outputs: tf.Tensor[],
  ) => (tf.Tensor | null | undefined)[] | null;
}

const isThere = <T>(value: T | null | undefined): value is T => value !== undefined && value !== null;

/** Keeps absent inputs off the tape. Returns a function that undoes it. */
export function leaveOutAbsent(): () => void {
  const engine = tf.engine();
  const undo = [
    override(
      engine,
      'runKernel',
      (original) =>
        function (this: typeof engine, name, inputs, attrs) {
          const given = Object.entries(inputs);
          const plain =
            Array.isArray(inputs) || given.every(([, tensor]) => isThere(tensor))
              ? inputs
              : (Object.fromEntries(given.filter(([, tensor]) => isThere(tensor))) as typeof inputs);
          return original.call(this, name, plain, attrs) as never; // generic in the caller's result type
        },
    ),
    override(
      engine as unknown as Saving,
      'getTensorsForGradient',
      (original) =>
        function (this: Saving, kernel, inputs, outputs) {
          const saved = original.call(this, kernel, inputs, outputs);
          return saved === null ? null : saved.filter(isThere);
        },
    ),
  ];
  return () => {
    for (const step of undo.reverse()) step();
  };
}
