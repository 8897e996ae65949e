// Helpers for fields of any dataset: sizes, new arrays, parts, and errors for missing fields.
import { describeValue, ForjaError, UsageError, sizeOf, shown } from '@forja/core';
import type { Dataset, FieldArray, FieldSpec } from './dataset.js';

/** The field `name`. Throws ForjaError `data.field` listing the existing ones. */
export function fieldOf(dataset: Pick<Dataset, 'name' | 'fields'>, name: string): FieldSpec {
  const field = Object.hasOwn(dataset.fields, name) ? dataset.fields[name] : undefined;
  if (field) return field;
  throw new ForjaError(
    'data.field',
    `data: expected a field '${name}', got ${dataset.name} with ${Object.keys(dataset.fields).join(', ')}`,
  );
}

/**
 * Checks that a user's dataset meets the contract, and returns it.
 * @throws ForjaError `data.field` for a field without dtype or shape, `data.empty` without examples.
 */
export function checkDataset(dataset: Dataset): Dataset {
  const { name, count, fields, read } = dataset as unknown as Record<string, unknown>; // not checked yet
  const bad = (part: string, words: string, got: unknown): ForjaError =>
    new ForjaError('data.field', `data: expected ${words} as ${part} of ${shown(name)}, got ${describeValue(got)}`);
  if (typeof read !== 'function') throw bad('read', 'a function', read);
  if (typeof fields !== 'object' || fields === null) throw bad('fields', 'fields by name', fields);
  for (const [field, spec] of Object.entries(fields) as [string, Partial<FieldSpec> | null | undefined][]) {
    const { shape, dtype } = spec ?? {};
    if (!(Array.isArray(shape) && shape.every((d) => Number.isInteger(d) && d > 0)))
      throw bad(`fields.${field}.shape`, 'positive whole numbers', shape);
    if (dtype !== 'float32' && dtype !== 'int32') throw bad(`fields.${field}.dtype`, 'float32 or int32', dtype);
  }
  if (!(Number.isSafeInteger(count) && Number(count) > 0))
    throw new ForjaError(
      'data.empty',
      `data: expected a count of examples of ${shown(name)}, got ${describeValue(count)}`,
    );
  return dataset;
}

/** Number of examples of a field's part. */
export function countOf(dataset: Dataset, name: string): number {
  const { part } = fieldOf(dataset, name);
  return (part === undefined ? undefined : dataset.parts?.[part]) ?? dataset.count;
}

/** New arrays for `count` examples of some fields. */
export function newFieldArrays(dataset: Dataset, names: readonly string[], count: number): Record<string, FieldArray> {
  const arrayOf = (name: string): FieldArray => {
    const { shape, dtype } = fieldOf(dataset, name);
    const size = count * sizeOf(shape);
    return dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
  };
  return Object.fromEntries(names.map((name) => [name, arrayOf(name)]));
}

/** New arrays of some fields (default: all), filled with the examples `indices`; the fields must be of one part. */
export async function readFields(
  dataset: Dataset,
  indices: ArrayLike<number>,
  names: readonly string[] = Object.keys(dataset.fields),
): Promise<Record<string, FieldArray>> {
  const into = newFieldArrays(dataset, names, indices.length);
  await dataset.read(indices, into);
  return into;
}

/** The index if it exists. Throws UsageError `input.range`. */
export function checkIndex(name: string, index: number | undefined, count: number): number {
  if (index === undefined || !(index >= 0 && index < count))
    throw new UsageError(`${name}: expected an index in 0..${count - 1}, got ${shown(index)}`, { code: 'input.range' });
  return index;
}

/** A line about the skipped files; undefined if there are none. */
export function skippedLine({ name, skipped = [] }: Dataset): string | undefined {
  if (skipped.length === 0) return undefined;
  const few = skipped.slice(0, 3).map(({ file, reason }) => `${file} (${reason})`);
  const more = skipped.length > few.length ? ` and ${skipped.length - few.length} more` : '';
  return `data: ${skipped.length} file${skipped.length === 1 ? '' : 's'} of ${name} left out: ${few.join(', ')}${more}`;
}
