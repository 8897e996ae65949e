// Datasets of streams of examples: tf.data datasets, async and plain iterables. Training needs examples by index, in an
// order that a resumed run repeats, so a stream is read to its end and kept in memory.
import { classOf, describeValue, ForjaError, optionsOf, shown, UsageError } from '@forja/core';
import type { Tensor } from '@tensorflow/tfjs';
import { arrayDataset, listOf, type ArrayField } from './arrays.js';
import type { Dataset } from './dataset.js';
import { checkDataset } from './fields.js';

/** One value of an example: a tensor, a typed array, a number or a list of them. */
export type StreamValue =
  Tensor | Float32Array | Int32Array | Uint8Array | Uint8ClampedArray | number | readonly number[];
/** An example: its fields by name, or its only value. */
export type StreamExample = StreamValue | Readonly<Record<string, StreamValue>>;

/** A stream of examples, such as `tf.data.Dataset`. */
export type ExampleStream =
  | AsyncIterable<StreamExample>
  | Iterable<StreamExample>
  | { iterator(): Promise<{ next(): Promise<{ value: unknown; done?: boolean | undefined }> }> };

/** Options of {@link datasetFrom}. */
export interface StreamOptions {
  name?: string;
  /** Number of examples to take; needed for endless streams. */
  count?: number;
  /** Shape, range, classes or vocabulary of fields, if the values do not show them. */
  fields?: Readonly<Record<string, Pick<ArrayField, 'shape' | 'range' | 'classes' | 'vocabulary'>>>;
  license?: string;
  credit?: string;
  /** Maximum memory of the examples, in bytes. Default 4e9. */
  memory?: number;
}

/**
 * Returns a {@link Dataset} unchanged; reads a stream to its end, or `count` examples of it. Fields are the keys of an
 * example; an example without keys is an `image` if its shape has three dims, else a `vector`. Examples of whole
 * numbers with three dims are pictures in 0..255. Tensors are read and disposed.
 * @throws ForjaError `data.empty` without examples, `data.size` for more than fit in memory, `data.field` for an
 * example whose fields or shapes are not those of the first.
 */
export async function datasetFrom(source: Dataset | ExampleStream, options: StreamOptions = {}): Promise<Dataset> {
  if (typeof source !== 'object' || (source as unknown) === null)
    throw new UsageError(`datasetFrom: expected a data set or a stream of examples, got ${shown(source)}`);
  if ('read' in source && 'fields' in source) return checkDataset(source);
  optionsOf('datasetFrom', options, 'count credit fields license memory name');
  const { name = 'stream', count = Infinity, fields: described = {}, memory = 4e9, ...about } = options;
  if (!(count > 0)) throw new UsageError(`datasetFrom.count: expected at least 1, got ${shown(count)}`);
  const columns = new Map<string, Column>();
  let taken = 0;
  let bytes = 0;
  for await (const example of examplesOf(source)) {
    for (const [field, value] of Object.entries(fieldsOf(example))) {
      const read = await valuesOf(value);
      const shape = described[field]?.shape ?? read.shape;
      const column = columns.get(field) ?? (taken === 0 ? { shape, values: [] } : undefined);
      if (!column || column.values.length !== taken || column.shape.join() !== shape.join())
        throw mismatch(name, taken, `${field} [${shape.join(', ')}]`, columns);
      columns.set(field, column);
      column.values.push(read.values);
      bytes += read.values.byteLength;
    }
    taken++;
    const missing = [...columns].find(([, { values }]) => values.length !== taken);
    if (missing) throw mismatch(name, taken - 1, `none of ${missing[0]}`, columns);
    if (bytes > memory)
      throw new ForjaError(
        'data.size',
        `data: expected at most ${memory} bytes of examples from ${name}, as they are kept in memory, got more ` +
          `after ${taken}; take fewer by count`,
      );
    if (taken >= count) break;
  }
  if (taken === 0) throw new ForjaError('data.empty', `data: expected examples from ${name}, got none`);
  return arrayDataset({
    name,
    ...about,
    fields: Object.fromEntries(
      [...columns].map(([field, column]) => [field, { ...arrayOf(name, field, column), ...described[field] }]),
    ),
  });
}

interface Column {
  shape: readonly number[];
  values: (Float32Array | Int32Array | Uint8Array | Uint8ClampedArray)[];
}

async function* examplesOf(source: ExampleStream): AsyncGenerator<unknown> {
  if (!('iterator' in source || Symbol.iterator in source || Symbol.asyncIterator in source))
    throw new UsageError(`datasetFrom: expected a data set or a stream of examples, got ${shown(source)}`);
  if (!('iterator' in source)) return void (yield* source);
  const rows = await source.iterator();
  for (let row = await rows.next(); !row.done; row = await rows.next()) yield row.value;
}

/** The fields of an example; an unnamed value has the name '' until its shape is known. */
function fieldsOf(example: unknown): Record<string, StreamValue> {
  if (typeof example === 'object' && example !== null && !isValue(example))
    return example as Record<string, StreamValue>; // its values are checked as they are read
  const value = example as StreamValue;
  const rank = isTensor(value) ? value.rank : 1;
  return { [rank === 3 ? 'image' : 'vector']: value };
}

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'dataId' in value && 'rank' in value;
const isValue = (value: object): boolean => isTensor(value) || ArrayBuffer.isView(value) || Array.isArray(value);

async function valuesOf(value: StreamValue): Promise<{ shape: readonly number[]; values: Column['values'][number] }> {
  if (isTensor(value)) {
    const { shape } = value;
    const values = await value.data();
    value.dispose();
    return { shape, values: values.slice() };
  }
  if (typeof value === 'number') return { shape: [], values: listOf([value]) };
  if (Array.isArray(value)) return { shape: [value.length], values: listOf(value as number[]) };
  if (ArrayBuffer.isView(value) && 'slice' in value && !classOf(value).startsWith('Big')) {
    const values = (value as Float32Array).slice(); // the source may reuse the array
    return { shape: [values.length], values };
  }
  throw new ForjaError('data.field', `data: expected tensors, typed arrays or numbers, got ${describeValue(value)}`);
}

const BYTES: ReadonlySet<string> = new Set(['Uint8Array', 'Uint8ClampedArray']);

function arrayOf(name: string, field: string, { shape, values }: Column): ArrayField {
  const size = values[0]?.length ?? 0;
  // int32 only if all rows are whole numbers
  const whole = values.every((row) => classOf(row) === 'Int32Array');
  const bytes = values.every((row) => BYTES.has(classOf(row)));
  const picture = shape.length === 3 && whole;
  const data = new (bytes || picture ? Uint8Array : whole ? Int32Array : Float32Array)(size * values.length);
  for (const [i, row] of values.entries()) {
    const stray = picture ? row.find((v) => v < 0 || v > 255) : undefined;
    if (stray !== undefined)
      throw new ForjaError(
        'data.format',
        `data: expected whole numbers of the pictures ${field} of ${name} in 0..255, got ${stray}; ` +
          'give floats for others',
      );
    data.set(row, i * size);
  }
  return { data, shape };
}

function mismatch(name: string, index: number, got: string, columns: ReadonlyMap<string, Column>): ForjaError {
  const want = [...columns].map(([field, { shape }]) => `${field} [${shape.join(', ')}]`).join(', ');
  return new ForjaError(
    'data.field',
    `data: expected all examples of ${name} to be alike (${want}), got ${got} at ${index}`,
  );
}
