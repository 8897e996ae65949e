// Which examples each run of a phase gets: the endless sequence of shuffled epochs, cut into batches. The order depends
// only on (seed, part, number of the phase's run), so resumed training continues with exactly the same batches.
import { ForjaError, isDetached, permutation, streamOf } from '@forja/core';
import type { Dataset, FieldArray } from './dataset.js';
import { countOf, fieldOf, newFieldArrays } from './fields.js';

/**
 * Indices of batch `n`: the positions from n·batch on in the sequence epoch 0, epoch 1, …, where each epoch is a
 * permutation of all examples that depends on (seed, part, epoch). Nothing is dropped: a batch continues into the next
 * epoch, so every example is seen once per epoch, and a dataset may be smaller than a batch.
 */
export function batchOrder(seed: number | bigint, count: number, batch: number, part = ''): (n: number) => Uint32Array {
  const stream = part === '' ? 0 : streamOf(part);
  const epochs = new Map<number, Uint32Array>();
  const orderOf = (epoch: number): Uint32Array => {
    const found = epochs.get(epoch);
    if (found) return found;
    const made = permutation(seed, epoch, count, stream);
    for (const old of epochs.keys()) if (old < epoch - 1) epochs.delete(old);
    epochs.set(epoch, made);
    return made;
  };
  return (n) => {
    const indices = new Uint32Array(batch);
    for (let i = 0; i < batch; i++) {
      const position = n * batch + i;
      // A permutation has `count` entries.
      indices[i] = orderOf(Math.floor(position / count))[position % count] as number;
    }
    return indices;
  };
}

/**
 * Batches of the fields `names` (default: all). Run n of a phase gets an array [batch, …shape] for each field; fields
 * of one part come from the same examples. If reading is asynchronous, the next batch is read ahead while a step runs.
 */
export function batchReader(
  dataset: Dataset,
  seed: number | bigint,
  batch: number,
  names: readonly string[] = Object.keys(dataset.fields),
): (n: number) => Promise<Record<string, FieldArray>> {
  const parts = new Map<string, string[]>();
  for (const name of names) {
    const part = fieldOf(dataset, name).part ?? '';
    parts.set(part, [...(parts.get(part) ?? []), name]);
  }
  const groups = [...parts].map(([part, fields]) => ({
    fields,
    order: batchOrder(seed, countOf(dataset, fields[0] ?? ''), batch, part),
  }));
  const start = (n: number): Reading => {
    const into = newFieldArrays(dataset, names, batch);
    const waits = groups
      .map(({ fields, order }) => {
        const given = Object.fromEntries(fields.map((f) => [f, into[f] as FieldArray]));
        const check = (): void => {
          const other = fields.find((f) => given[f] !== into[f] || isDetached(into[f] as FieldArray));
          if (other !== undefined)
            throw new ForjaError(
              'data.field',
              `data: expected read() of ${dataset.name} to fill the array of '${other}', ` +
                'got an array that was replaced or transferred; write into the given one',
            );
        };
        const wait = dataset.read(order(n), given);
        return wait === undefined ? void check() : wait.then(check);
      })
      .filter((wait) => wait !== undefined);
    const done = waits.length > 0 ? Promise.all(waits) : undefined;
    done?.catch(() => {}); // rethrown when the batch is requested
    return { n, into, done };
  };
  let ahead: Reading | undefined;
  return async (n) => {
    const { into, done } = ahead?.n === n ? ahead : start(n);
    ahead = undefined;
    await done;
    if (done) ahead = start(n + 1);
    return into;
  };
}

interface Reading {
  n: number;
  into: Record<string, FieldArray>;
  /** Undefined for data in memory, which is read synchronously. */
  done: Promise<unknown> | undefined;
}
