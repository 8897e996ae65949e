// Reads and writes files of tensors in the safetensors layout (github.com/huggingface/safetensors, "Format"): 8 bytes
// with the length of the header, little-endian; the header, which is JSON of `{ dtype, shape, data_offsets }` by name,
// with texts under `__metadata__`; the bytes of the tensors, without gaps.
import {
  ARRAY_OF,
  BYTES_OF,
  ForjaError,
  UsageError,
  sizeOf,
  type DType,
  type NamedTensors,
  type Tensor,
} from '@forja/core';

/** The content of a safetensors file. */
export interface TensorFile {
  /** Texts by name. */
  metadata: Readonly<Record<string, string>>;
  /** In the order of the header. */
  tensors: NamedTensors;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const NAMES: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float16: 'F16',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  int8: 'I8',
  bool: 'BOOL',
};
const DTYPES = new Map(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as DType])); // NAMES' keys are dtypes

const PREFIX = 8;
const METADATA = '__metadata__';
/** The header is filled with spaces to a multiple of this, so that the numbers after it are aligned. */
const ALIGN = 8;

/**
 * The bytes of a file. Tensors with larger elements come first, so that each is aligned to its element size.
 * @throws UsageError `input.shape` for data whose length does not match its shape, or a tensor named `__metadata__`.
 */
export function encodeTensors({ metadata, tensors }: TensorFile): Uint8Array {
  const placed = new Map<string, number>();
  let offset = 0;
  const all = Object.entries(tensors);
  for (const [name, { dtype, data }] of [...all].sort(([, a], [, b]) => BYTES_OF[b.dtype] - BYTES_OF[a.dtype])) {
    const { shape } = tensors[name] as Tensor; // `name` is one of its keys
    if (name === METADATA || data.byteLength !== sizeOf(shape) * BYTES_OF[dtype])
      throw new UsageError(
        `encodeTensors: expected ${sizeOf(shape)} values in a tensor of another name than ${METADATA}, got ` +
          `${data.byteLength} bytes in '${name}'`,
        { code: 'input.shape' },
      );
    placed.set(name, offset);
    offset += data.byteLength;
  }
  const entries = all.map(([name, { dtype, shape, data }]): [string, Entry] => {
    const from = placed.get(name) ?? 0;
    return [name, { dtype: NAMES[dtype], shape: [...shape], data_offsets: [from, from + data.byteLength] }];
  });
  const json = new TextEncoder().encode(JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) }));
  const start = PREFIX + Math.ceil(json.length / ALIGN) * ALIGN;
  const bytes = new Uint8Array(start + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - PREFIX), true);
  bytes.fill(0x20, PREFIX, start);
  bytes.set(json, PREFIX);
  for (const [name, { data }] of all)
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + (placed.get(name) ?? 0));
  return bytes;
}

/**
 * Where the header of a file ends and its tensors begin.
 * @throws ForjaError `checkpoint.format` if the file is shorter than that.
 */
export function headerEnd(bytes: Uint8Array, where: string): number {
  const length = bytes.length < PREFIX ? 0n : viewOf(bytes).getBigUint64(0, true);
  if (length < 2n || length > BigInt(bytes.length - PREFIX))
    throw bad(where, 'a file in the safetensors layout', bytes.length === 0 ? 'an empty file' : 'another file');
  return PREFIX + Number(length);
}

/**
 * The inverse of {@link encodeTensors}; the data is copied.
 * @throws ForjaError `checkpoint.format` for a file that is not in this layout; `where` names it.
 */
export function decodeTensors(bytes: Uint8Array, where: string): TensorFile {
  const start = headerEnd(bytes, where);
  const { [METADATA]: metadata = {}, ...entries } = headerOf(bytes.subarray(PREFIX, start), where);
  if (!Object.values(metadata).every((text) => typeof text === 'string'))
    throw bad(where, `texts in ${METADATA}`, 'other values');
  const tensors = Object.entries(entries).map(([name, entry]): [string, Tensor] => {
    const { dtype: named, shape, data_offsets: place } = entry as Partial<Entry>; // each is checked below
    const dtype = DTYPES.get(String(named));
    if (dtype === undefined)
      throw bad(where, `a type among ${[...DTYPES.keys()].join(', ')} of '${name}'`, String(named));
    const [from, end] = areSizes(place) ? place : [];
    if (!areSizes(shape) || from === undefined || end === undefined || place?.length !== 2)
      throw bad(where, `a shape and two offsets of '${name}'`, 'something else');
    if (end - from !== sizeOf(shape) * BYTES_OF[dtype] || start + end > bytes.length)
      throw bad(where, `${sizeOf(shape) * BYTES_OF[dtype]} bytes of '${name}'`, 'others');
    const data = new Uint8Array(bytes.subarray(start + from, start + end)); // a copy, unlike slice() of a Buffer
    return [name, { dtype, shape, data: new ARRAY_OF[dtype](data.buffer) }];
  });
  return { metadata: metadata as Record<string, string>, tensors: Object.fromEntries(tensors) };
}

function headerOf(json: Uint8Array, where: string): Record<string, object> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    throw bad(where, 'a header in JSON', 'something else');
  }
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(header) || !Object.values(header).every(isObject))
    throw bad(where, 'an object for each tensor in the header', 'something else');
  return header as Record<string, object>;
}

const areSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const bad = (where: string, expected: string, got: string): ForjaError =>
  new ForjaError('checkpoint.format', `${where}: expected ${expected}, got ${got}`);
