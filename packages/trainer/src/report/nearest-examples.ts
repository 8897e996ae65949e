// Pairs generated pictures with the training pictures nearest to them, by the Euclidean distance of pixels, so that a
// reader of the report sees whether the generator copies.
import { sizeOf, toBatch, type Image, type Tensor } from '@forja/core';
import type { Dataset } from '../data/dataset.js';

/** A generated picture and the training picture nearest to it. */
export interface Compared {
  made: Image;
  real: Image;
  /** Root mean square difference of their pixels, in units of `range`. */
  distance: number;
}

/** Result of `nearestExamples`. */
export interface NearestResult {
  pairs: Compared[];
  /** Number of examples compared: all, or evenly spaced ones of a large set. */
  searched: number;
  /** Number of examples in the data. */
  count: number;
}

const CHUNK = 500;
const MAX_SEARCHED = 60_000;

/**
 * Finds the training picture nearest to each picture of `made` (NHWC, in `range`, of the field's shape). Of more than
 * 60,000 examples, 60,000 evenly spaced ones are compared.
 */
export async function nearestExamples(
  made: Tensor,
  dataset: Dataset,
  field: string,
  range: readonly [number, number],
): Promise<NearestResult> {
  const size = sizeOf(dataset.fields[field]?.shape ?? []);
  const all = dataset.parts?.[dataset.fields[field]?.part ?? ''] ?? dataset.count;
  const values = made.data as Float32Array; // the caller passes float32
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
          sum += ((values[m * size + k] as number) - (part[i * size + k] as number)) ** 2; // both indices are valid
        if (sum < own.distance) Object.assign(own, { distance: sum, index: indices[i] ?? 0 });
      }
    }
    await new Promise((resolve) => setTimeout(resolve)); // so that a page stays responsive
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
