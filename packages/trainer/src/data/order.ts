// Which examples a step sees: the endless row of shuffled epochs, cut into batches. A function of (seed, step), so a
// resumed run goes on where it was.
import { permutation } from '@forja/core';
import type { Dataset } from './dataset.js';

/**
 * Indices of the batch at `step`: positions step·batch … of the row epoch 0, epoch 1, …, each a permutation of all
 * examples by (seed, epoch). Nothing is dropped: a batch that reaches an epoch's end goes on with the next one, so
 * every example is seen once an epoch, and a dataset smaller than a batch works.
 */
export function batchOrder(seed: number | bigint, count: number, batch: number): (step: number) => Uint32Array {
  const epochs = new Map<number, Uint32Array>();
  const orderOf = (epoch: number): Uint32Array => {
    const found = epochs.get(epoch);
    if (found) return found;
    const made = permutation(seed, epoch, count);
    for (const old of epochs.keys()) if (old < epoch - 1) epochs.delete(old);
    epochs.set(epoch, made);
    return made;
  };
  return (step) => {
    const indices = new Uint32Array(batch);
    for (let i = 0; i < batch; i++) {
      const position = step * batch + i;
      // A permutation has `count` entries.
      indices[i] = orderOf(Math.floor(position / count))[position % count] as number;
    }
    return indices;
  };
}

/** The batch at `step` as one array, [batch, …shape]. */
export function batchReader(
  dataset: Dataset,
  seed: number | bigint,
  batch: number,
): (step: number) => Promise<Float32Array> {
  const order = batchOrder(seed, dataset.count, batch);
  const size = dataset.shape.reduce((a, b) => a * b, 1);
  return async (step) => {
    const into = new Float32Array(batch * size);
    await dataset.read(order(step), into);
    return into;
  };
}
