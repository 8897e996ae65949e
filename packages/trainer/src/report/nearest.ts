// Each of a few made pictures beside the training picture nearest to it (Euclidean distance of pixels): a look at
// whether the generator copies.
import { sizeOf, toBatch, type Image, type Tensor } from '@forja/core';
import type { Dataset } from '../data/dataset.js';

/** A made picture and its nearest example. */
export interface Compared {
  made: Image;
  real: Image;
  /** Root mean square difference in the range's unit. */
  distance: number;
}

/** Result of {@link nearest}. */
export interface NearestResult {
  pairs: Compared[];
  /** Examples looked at: all, or evenly spaced ones of a large set. */
  searched: number;
  count: number;
}

const CHUNK = 500;
const MAX_SEARCHED = 60_000;

/**
 * Looks through the data, at most 60,000 examples of it evenly spaced, for the nearest of each of `made` (NHWC, in
 * `range`, of the field's shape).
 */
export async function nearest(
  made: Tensor,
  dataset: Dataset,
  field: string,
  range: readonly [number, number],
): Promise<NearestResult> {
  const size = sizeOf(dataset.fields[field]?.shape ?? []);
  const all = dataset.parts?.[dataset.fields[field]?.part ?? ''] ?? dataset.count;
  const values = made.data as Float32Array; // float32 by the caller
  const count = values.length / size;
  const searched = Math.min(all, MAX_SEARCHED);
  const best = Array.from({ length: count }, () => ({ distance: Infinity, index: 0 }));
  const part = new Float32Array(CHUNK * size);
  for (let start = 0; start < searched; start += CHUNK) {
    const n = Math.min(CHUNK, searched - start);
    const indices = Array.from({ length: n }, (_, i) => Math.floor(((start + i) * all) / searched));
    await dataset.read(indices, { [field]: part });
    for (let m = 0; m < count; m++) {
      const own = best[m];
      if (!own) continue;
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let k = 0; k < size && sum < own.distance; k++)
          sum += ((values[m * size + k] as number) - (part[i * size + k] as number)) ** 2; // both in their arrays
        if (sum < own.distance) Object.assign(own, { distance: sum, index: indices[i] ?? 0 });
      }
    }
    await new Promise((resolve) => setTimeout(resolve)); // a page stays alive
  }
  const found = new Float32Array(count * size);
  await dataset.read(
    best.map(({ index }) => index),
    { [field]: found },
  );
  const options = { layout: 'nhwc' as const, range };
  const [a, b] = [toBatch(made, options), toBatch({ ...made, data: found }, options)];
  return {
    pairs: best.map(({ distance }, i) => ({ made: a.at(i), real: b.at(i), distance: Math.sqrt(distance / size) })),
    searched,
    count: all,
  };
}
