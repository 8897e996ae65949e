// Datasets over arrays in memory. Most loaders return one, and users can wrap their own data in one.
import { classOf, ForjaError, optionsOf, shown, UsageError, sizeOf } from '@forja/core';
import type { Dataset, FieldArray, FieldSpec } from './dataset.js';
import { checkIndex, fieldOf } from './fields.js';

/** One field of {@link arrayDataset}: its values for all examples, one after the other, row-major. */
export interface ArrayField {
  /**
   * Bytes 0..255 become float32 in [-1, 1], floats stay as they are, Int32Array and plain lists of whole numbers become
   * int32.
   */
  data: Uint8Array | Uint8ClampedArray | Float32Array | Int32Array | readonly number[];
  /** Shape of one example; default [], one number. */
  shape?: readonly number[];
  /** Interval of float data; found from the data when left out. */
  range?: readonly [number, number];
  /** Names of classes, by index. */
  classes?: readonly string[];
  /** Words, by token id. */
  vocabulary?: readonly string[];
  /** Fields of other parts are drawn independently and may have another number of examples. */
  part?: string;
}

interface About {
  name?: string;
  license?: string;
  /** Attribution. */
  credit?: string;
  /** Examples kept out of training. */
  holdout?: Dataset;
}

/** One array of pictures or vectors, with labels if there are classes. */
export interface ArrayDatasetOptions extends About {
  /** Examples one after the other, row-major. Bytes 0..255 become [-1, 1]; floats stay as they are. */
  data: Uint8Array | Uint8ClampedArray | Float32Array;
  /** Shape of one example: [height, width, channels] (the field `image`) or [size] (the field `vector`). */
  shape: readonly number[];
  /** Interval of float data; found from the data when left out. */
  range?: readonly [number, number];
  /** Class of each example (the field `label`). */
  labels?: ArrayLike<number>;
  classes?: readonly string[];
}

/** Any fields, by name. */
export interface FieldsDatasetOptions extends About {
  fields: Readonly<Record<string, ArrayField>>;
}

interface Column {
  spec: FieldSpec;
  count: number;
  read(index: number, into: FieldArray, at: number): void;
}

/**
 * A dataset over arrays. Throws UsageError `input.shape` if lengths do not fit, ForjaError `data.empty` without
 * examples, `data.class` for a label that is no whole number or out of range, `data.format` for NaN and infinity.
 */
export function arrayDataset(options: ArrayDatasetOptions | FieldsDatasetOptions): Dataset {
  if ('fields' in optionsOf('arrayDataset', options))
    optionsOf('arrayDataset', options as FieldsDatasetOptions, 'credit fields holdout license name');
  else
    optionsOf(
      'arrayDataset',
      options as ArrayDatasetOptions,
      'classes credit data holdout labels license name range shape',
    );
  const { name = 'arrays', license, credit, holdout } = options;
  const columns = Object.fromEntries(
    Object.entries('fields' in options ? options.fields : conventional(options)).map(
      ([field, array]) => [field, columnOf(name, field, array)] as const,
    ),
  );
  const parts = new Map<string, { count: number; field: string }>();
  for (const [field, { count, spec }] of Object.entries(columns)) {
    const before = parts.get(spec.part ?? '');
    if (before && before.count !== count)
      throw wrongShape(
        `${field}: expected ${before.count} examples, as ${before.field} has, got ${count}; put fields of ` +
          'different lengths into different parts',
      );
    parts.set(spec.part ?? '', before ?? { count, field });
  }
  if (parts.size === 0) throw wrongShape('fields: expected at least one field, got none');
  const named = [...parts].filter(([part]) => part !== '');
  const fields = Object.fromEntries(Object.entries(columns).map(([field, { spec }]) => [field, spec]));
  return {
    name,
    count: Math.max(...[...parts.values()].map(({ count }) => count)),
    fields,
    ...(named.length > 0 ? { parts: Object.fromEntries(named.map(([part, { count }]) => [part, count])) } : {}),
    ...(license === undefined ? {} : { license }),
    ...(credit === undefined ? {} : { credit }),
    ...(holdout === undefined ? {} : { holdout }),
    read(indices, into) {
      for (const [field, array] of Object.entries(into)) {
        const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
        if (!column) return void fieldOf({ name, fields }, field); // fieldOf throws
        for (let i = 0; i < indices.length; i++) column.read(checkIndex(name, indices[i], column.count), array, i);
      }
    },
  };
}

/** The fields of a single array, named after its rank (`image` or `vector`), and of its labels. */
function conventional({ data, shape, range, labels, classes }: ArrayDatasetOptions): Record<string, ArrayField> {
  if (!Array.isArray(shape)) throw wrongShape(`shape: expected the shape of an example, got ${shown(shape)}`);
  return {
    [shape.length === 3 ? 'image' : 'vector']: { data, shape, ...(range ? { range } : {}) },
    ...(labels ? { label: { data: Int32Array.from(labels), ...(classes ? { classes } : {}) } } : {}),
  };
}

/** Index of the first NaN or infinity, else −1. A plain loop, ten times faster than findIndex: data is large. */
function firstNotFinite(data: ArrayLike<number>): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

function columnOf(name: string, field: string, array: ArrayField): Column {
  const { shape = [], classes, vocabulary, part, range } = array;
  if (!ArrayBuffer.isView(array.data) && !Array.isArray(array.data))
    throw wrongShape(`${field}.data: expected an array of numbers, got ${shown(array.data)}`);
  const data = ArrayBuffer.isView(array.data) ? array.data : listOf(array.data as readonly number[]);
  const kind = classOf(data); // not instanceof, which is false for an array from another realm
  const whole = kind === 'Int32Array';
  const size = sizeOf(shape);
  if (!(size > 0 && shape.every((d) => Number.isInteger(d))))
    throw wrongShape(`${field}.shape: expected positive integers, got [${shape.join(', ')}]`);
  if (data.length === 0) throw new ForjaError('data.empty', `arrayDataset: expected examples in '${name}', got none`);
  if (data.length % size !== 0)
    throw wrongShape(
      `${field}.data: expected a multiple of ${size} values for shape [${shape.join(', ')}], got ${data.length}`,
    );
  const names = vocabulary ?? classes;
  const what = vocabulary ? 'token ids' : 'classes';
  if (names && !whole) {
    const part = data.findIndex((value) => !Number.isInteger(value));
    throw new ForjaError(
      'data.class',
      `arrayDataset.${field}: expected whole numbers for ${what}, ` +
        `got ${part < 0 ? `a ${kind}` : `${data[part]} at ${part}`}; give an Int32Array or a list`,
    );
  }
  const none = kind === 'Float32Array' ? firstNotFinite(data) : -1;
  if (none >= 0)
    throw new ForjaError(
      'data.format',
      `arrayDataset.${field}: expected finite numbers, ` +
        `got ${data[none]} at ${none} (example ${Math.floor(none / size)})`,
    );
  const stray = names && whole ? data.findIndex((v) => !(v >= 0 && v < names.length)) : -1;
  if (names && stray >= 0)
    throw new ForjaError(
      'data.class',
      `arrayDataset.${field}: expected ${what} in 0..${names.length - 1}, got ${data[stray]} at ${stray}`,
    );
  const spec: FieldSpec = {
    shape: [...shape],
    dtype: whole ? 'int32' : 'float32',
    ...(whole ? {} : { range: kind === 'Float32Array' ? (range ?? rangeOf(data)) : [-1, 1] }),
    ...(classes ? { classes } : {}),
    ...(vocabulary ? { vocabulary } : {}),
    ...(part === undefined ? {} : { part }),
  };
  const bytes = kind === 'Uint8Array' || kind === 'Uint8ClampedArray';
  return {
    spec,
    count: data.length / size,
    read(index, into, at) {
      const values = data.subarray(index * size, (index + 1) * size);
      if (bytes) writeBytes(values, into, at * size);
      else into.set(values, at * size);
    },
  };
}

/** Bytes 0..255 as [-1, 1]. */
export function writeBytes(bytes: ArrayLike<number>, into: FieldArray, at: number): void {
  for (let k = 0; k < bytes.length; k++) into[at + k] = (bytes[k] as number) / 127.5 - 1; // k < length
}

function wrongShape(what: string): UsageError {
  return new UsageError(`arrayDataset.${what}`, { code: 'input.shape' });
}

function rangeOf(data: Iterable<number>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const v of data) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

/** Lists of whole numbers are int32, as labels and token ids are; others float32. */
export function listOf(values: readonly number[]): Float32Array | Int32Array {
  return values.every(Number.isInteger) ? Int32Array.from(values) : Float32Array.from(values);
}
