// The engine `tfjs` in Node: @tensorflow/tfjs-node where it is installed and its native binding loads, else tfjs's own JavaScript.
import * as tf from '@tensorflow/tfjs';

/** Makes tfjs-node tfjs's backend. Returns undefined when that worked, else why not, with what runs instead. */
export async function useTfjsNode(load: () => Promise<unknown> = () => import('@tensorflow/tfjs-node')): Promise<string | undefined> {
  try {
    await load();
    if (!(await tf.setBackend('tensorflow'))) throw new Error("it did not register the backend 'tensorflow' in this copy of tfjs");
    return undefined;
  } catch (error) {
    await tf.setBackend('cpu');
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `engine 'tfjs': @tensorflow/tfjs-node cannot be used (${why}); training in plain JavaScript, tens of times slower. node scripts/tfjs-node.mjs builds its binding where the download host cannot be reached; the engine 'onnx' needs none of it`;
  }
}
