// Converts an inference request of the Open Inference Protocol to feeds: tensors as JSON, flat or nested, or as bytes
// after the JSON (the binary data extension).
import {
  ARRAY_OF,
  BYTES_OF,
  sizeOf,
  textTensor,
  UsageError,
  type DType,
  type ManifestInput,
  type NamedTensors,
  type Tensor,
  type TypedArray,
} from '@forja/core';
import * as v from 'valibot';
import { checked, parseJson } from '../check.js';
import type { Limits } from '../limits.js';
import { dtypeOf } from './datatypes.js';

const name = v.pipe(v.string(), v.maxLength(256, 'at most 256 characters'));
const parameters = v.optional(
  v.looseObject({
    binary_data: v.optional(v.boolean()),
    binary_data_output: v.optional(v.boolean()),
    binary_data_size: v.optional(v.number()),
  }),
);
const dim = v.pipe(
  v.number(),
  v.integer('an integer'),
  v.minValue(0, 'an integer of at least 0'),
  v.maxValue(2 ** 31, 'an integer of at most 2^31'),
);

const schema = v.object({
  id: v.optional(v.pipe(v.string(), v.maxLength(1024, 'at most 1024 characters'))),
  parameters,
  inputs: v.pipe(
    v.array(
      v.object({
        name,
        shape: v.pipe(v.array(dim), v.maxLength(16, 'at most 16 sizes')),
        datatype: v.string(),
        parameters,
        data: v.optional(v.custom<unknown[]>(Array.isArray, 'a list')),
      }),
    ),
    v.maxLength(64, 'at most 64 inputs'),
  ),
  outputs: v.optional(v.pipe(v.array(v.object({ name, parameters })), v.maxLength(64, 'at most 64 outputs'))),
});

/** A request, checked as far as possible without running the model. */
export interface InferRequest {
  id: string | undefined;
  feeds: NamedTensors;
  /** Requested outputs, each as bytes or JSON; undefined: all, in the form given by `binary`. */
  outputs: readonly { name: string; binary: boolean }[] | undefined;
  binary: boolean;
}

/**
 * Reads a body. `jsonBytes` is the header `Inference-Header-Content-Length`: where the JSON ends and tensors begin.
 * Throws `usage`, `input.shape` or `input.range`.
 */
export function inferRequest(
  body: Uint8Array,
  jsonBytes: number | undefined,
  inputs: readonly ManifestInput[],
  limits: Limits,
): InferRequest {
  if (jsonBytes !== undefined && !(Number.isInteger(jsonBytes) && jsonBytes >= 0 && jsonBytes <= body.length))
    throw new UsageError(`infer: expected an Inference-Header-Content-Length from 0 to the body's ${body.length}`);
  const request = checked('infer', schema, parseJson('infer', body.subarray(0, jsonBytes)));
  const binary = new Bytes(body, jsonBytes ?? body.length);
  const feeds = new Map<string, Tensor>();
  for (const [i, input] of request.inputs.entries()) {
    const where = `infer.inputs.${i}`;
    if (feeds.has(input.name))
      throw new UsageError(`${where}.name: expected each input once, got '${input.name}' again`);
    const spec = inputs.find(({ name }) => name === input.name);
    checkRows(where, spec, input.shape, limits);
    if (input.datatype === 'BYTES' && spec?.role === 'text') {
      feeds.set(input.name, tokensOf(where, spec, input.shape, input.data ?? []));
      continue;
    }
    const dtype = dtypeOf(where, input.datatype);
    const length = sizeOf(input.shape);
    const size = input.parameters?.binary_data_size;
    if (size !== undefined && input.data !== undefined)
      throw new UsageError(`${where}: expected data or binary_data_size, got both`);
    if (size === undefined && input.data === undefined)
      throw new UsageError(`${where}.data: expected a list, got nothing`);
    const data =
      size === undefined ? fromJson(where, dtype, input.data ?? [], length) : binary.take(where, dtype, size, length);
    feeds.set(input.name, { dtype, shape: input.shape, data });
  }
  binary.end();
  const all = request.parameters?.binary_data_output ?? false;
  const outputs = request.outputs?.map((output) => ({
    name: output.name,
    binary: output.parameters?.binary_data ?? all,
  }));
  return {
    id: request.id,
    feeds: Object.fromEntries(feeds),
    outputs: outputs?.length ? outputs : undefined,
    binary: all,
  };
}

/** Limits the rows, because a small request could ask for a large batch. */
function checkRows(where: string, spec: ManifestInput | undefined, shape: readonly number[], { count }: Limits): void {
  const [rows = 0] = shape;
  if (typeof spec?.shape[0] === 'string' && rows > count)
    throw new UsageError(`${where}.shape: expected at most ${count} rows, got ${rows}; send several requests`, {
      code: 'input.range',
    });
}

/** Converts texts, one per row, to the token ids that the model takes. */
function tokensOf(where: string, spec: ManifestInput, shape: readonly number[], given: unknown[]): Tensor {
  const texts = given.flat(); // the shape is [n] or [n, 1]
  if (texts.length !== sizeOf(shape))
    throw new UsageError(`${where}.data: expected ${sizeOf(shape)} texts for its shape, got ${texts.length}`, {
      code: 'input.shape',
    });
  return textTensor(spec, texts, `${where}.data`);
}

/** Integers that each type holds. */
const RANGE: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  // the range that JSON carries without loss; larger ones must be sent as bytes
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

function fromJson(where: string, dtype: DType, given: unknown[], length: number): TypedArray {
  if (dtype === 'float16')
    throw new UsageError(`${where}.data: expected FP16 as binary data, because JSON cannot represent it, got a list`, {
      code: 'input.shape',
    });
  const flat = given.some(Array.isArray) ? flattened(given, length) : given;
  if (flat.length !== length)
    throw new UsageError(
      `${where}.data: expected ${length} numbers for its shape, got ${flat.length > length ? 'more' : flat.length}`,
      { code: 'input.shape' },
    );
  const range = RANGE[dtype];
  const data = new ARRAY_OF[dtype](length);
  for (let i = 0; i < length; i++) {
    const value = flat[i];
    const number = dtype === 'bool' && typeof value === 'boolean' ? Number(value) : value;
    const fits =
      typeof number === 'number' &&
      (dtype === 'bool'
        ? number === 0 || number === 1
        : range
          ? Number.isInteger(number) && number >= range[0] && number <= range[1]
          : Number.isFinite(Math.fround(number))); // a larger number would become infinite
    if (!fits) {
      const wanted = range ? `integers from ${range[0]} to ${range[1]}` : 'numbers of 32 bits';
      throw new UsageError(
        `${where}.data: expected ${dtype === 'bool' ? 'booleans' : wanted}, got another value at ${i}`,
        { code: 'input.range' },
      );
    }
    data[i] = dtype === 'int64' ? BigInt(number) : number;
  }
  return data;
}

/**
 * Flattens nested lists, row by row; stops at more than `most` elements. Not recursive: a body may nest deeper than the
 * stack.
 */
function flattened(given: unknown[], most: number): unknown[] {
  const flat: unknown[] = [];
  const open: { list: unknown[]; at: number }[] = [{ list: given, at: 0 }];
  for (let top = open.at(-1); top && flat.length <= most; top = open.at(-1)) {
    if (top.at === top.list.length) {
      open.pop();
      continue;
    }
    const value = top.list[top.at++];
    if (Array.isArray(value)) open.push({ list: value, at: 0 });
    else flat.push(value);
  }
  return flat;
}

/**
 * The tensors after the JSON, in the order of the inputs. Little-endian, as in the protocol and on every platform of
 * Node.
 */
class Bytes {
  readonly #body: Uint8Array;
  #at: number;

  constructor(body: Uint8Array, at: number) {
    this.#body = body;
    this.#at = at;
  }

  take(where: string, dtype: DType, size: number, length: number): TypedArray {
    if (size !== length * BYTES_OF[dtype])
      throw new UsageError(
        `${where}.parameters.binary_data_size: expected ${length * BYTES_OF[dtype]} for its shape, got ${size}`,
        { code: 'input.shape' },
      );
    if (size > this.#body.length - this.#at)
      throw new UsageError(`${where}: expected ${size} bytes after the JSON, got ${this.#body.length - this.#at}`, {
        code: 'input.shape',
      });
    // a copy, so that it begins at a multiple of the element's size
    const bytes = this.#body.slice(this.#at, (this.#at += size));
    if (dtype === 'bool' && bytes.some((byte) => byte > 1))
      throw new UsageError(`${where}: expected bytes of 0 and 1 for BOOL, got others`, { code: 'input.range' });
    return new ARRAY_OF[dtype](bytes.buffer, 0, length);
  }

  end(): void {
    const left = this.#body.length - this.#at;
    if (left > 0)
      throw new UsageError(`infer: expected the inputs to name every byte after the JSON, got ${left} more`, {
        code: 'input.shape',
      });
  }
}
