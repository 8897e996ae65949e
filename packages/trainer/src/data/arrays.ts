// Datasets over arrays in memory: the form that every other loader ends in, and the one to bring data of your own with.
import { ForjaError, UsageError, sizeOf } from '@forja/core';
import type { Dataset } from './dataset.js';

/** What {@link arrayDataset} needs. */
export interface ArrayDatasetOptions {
  name?: string;
  /** Examples one after the other, row-major. Bytes 0..255 become [-1, 1]; floats are taken as they are. */
  data: Uint8Array | Uint8ClampedArray | Float32Array;
  /** Shape of one example: [height, width, channels] or [size]. */
  shape: readonly number[];
  /** Interval of float data; found from the data when left out. */
  range?: readonly [number, number];
  /** Class of each example. */
  labels?: ArrayLike<number>;
  classes?: readonly string[];
  license?: string;
}

/** A dataset over one array. Throws UsageError when lengths do not fit, ForjaError `data.empty` without examples. */
export function arrayDataset(options: ArrayDatasetOptions): Dataset {
  const { name = 'arrays', data, shape, labels, classes, license } = options;
  const size = sizeOf(shape);
  if (!(size > 0 && shape.every((d) => Number.isInteger(d))))
    throw new UsageError(`arrayDataset.shape: expected positive integers, got [${shape.join(', ')}]`, {
      code: 'input.shape',
    });
  if (data.length === 0) throw new ForjaError('data.empty', `arrayDataset: expected examples in '${name}', got none`);
  if (data.length % size !== 0)
    throw new UsageError(
      `arrayDataset.data: expected a multiple of ${size} values for shape [${shape.join(', ')}], got ${data.length}`,
      { code: 'input.shape' },
    );
  const count = data.length / size;
  if (labels && labels.length !== count)
    throw new UsageError(`arrayDataset.labels: expected ${count} labels, got ${labels.length}`, {
      code: 'input.shape',
    });
  const bytes = !(data instanceof Float32Array);
  return {
    name,
    count,
    shape: [...shape],
    range: bytes ? [-1, 1] : (options.range ?? rangeOf(data)),
    ...(classes ? { classes } : {}),
    ...(license === undefined ? {} : { license }),
    read(indices, into) {
      for (let i = 0; i < indices.length; i++) {
        const from = checkIndex(name, indices[i], count) * size;
        const to = i * size;
        if (bytes)
          for (let k = 0; k < size; k++) into[to + k] = (data[from + k] as number) / 127.5 - 1; // from + k < length
        else into.set(data.subarray(from, from + size), to);
      }
    },
    ...(labels
      ? {
          labels: (indices: ArrayLike<number>) =>
            Int32Array.from(indices, (i) => labels[checkIndex(name, i, count)] as number),
        }
      : {}),
  };
}

function checkIndex(name: string, index: number | undefined, count: number): number {
  if (index === undefined || !(index >= 0 && index < count))
    throw new UsageError(`${name}: expected an index in 0..${count - 1}, got ${index}`, { code: 'input.range' });
  return index;
}

function rangeOf(data: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const v of data) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}
