// A dataset reduced to its main float field, for code that needs no other.
import { ForjaError, sizeOf } from '@forja/core';
import type { Dataset, FieldSpec } from './dataset.js';

/** The examples of one field. */
export interface Images {
  readonly name: string;
  readonly count: number;
  readonly shape: readonly number[];
  readonly range: readonly [number, number];
  /** Values of one example. */
  readonly size: number;
  /** Writes the examples `indices` into `into`, one after another. */
  read(indices: ArrayLike<number>, into: Float32Array): void | Promise<void>;
  /** The field's name. */
  readonly field: string;
}

/** The field `image` of a dataset, else `vector`. Throws ForjaError `data.field` if there is neither. */
export function imagesOf(dataset: Dataset): Images {
  const field = ['image', 'vector'].find((name) => Object.hasOwn(dataset.fields, name));
  const spec: FieldSpec | undefined = field === undefined ? undefined : dataset.fields[field];
  if (field === undefined || spec === undefined)
    throw new ForjaError(
      'data.field',
      `data: expected a field 'image' or 'vector', got ${dataset.name} with ${Object.keys(dataset.fields).join(', ')}`,
    );
  const { shape, range = [-1, 1] } = spec;
  return {
    name: dataset.name,
    count: dataset.count,
    shape,
    range,
    size: sizeOf(shape),
    field,
    read: (indices, into) => dataset.read(indices, { [field]: into }),
  };
}
