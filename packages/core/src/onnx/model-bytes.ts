// Detects bytes that are not an ONNX file, or a truncated one, before a runtime reads them, whose message would only be
// "protobuf parsing failed".
import { ModelFormatError, UsageError } from '../errors.js';
import { isBytes } from '../realm.js';
import { shown } from '../shown.js';

/** Files often passed by mistake, by their first bytes. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^\s*<(!doctype|html|\?xml|head|body)/i, "a web page (a server's fallback page, or a wrong link?)"],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: fetch the real file with `git lfs pull`'],
  [/^\s*[{[]\s*["{\]}]/, 'JSON (a tfjs model.json must be exported first: `forja export`)'],
  [/^PK\x03\x04/, 'a ZIP archive: unpack it first'],
  [/^\x1f\x8b/, 'a gzip file: unpack it first'],
  [/^\x89HDF/, 'an HDF5 (Keras) file'],
  [/^\x89PNG|^\xff\xd8\xff|^GIF8/, 'a picture'],
];

/** Field number → wire type of ModelProto. */
const MODEL_FIELDS: Readonly<Record<number, number>> = {
  1: 0,
  2: 2,
  3: 2,
  4: 2,
  5: 0,
  6: 2,
  7: 2,
  8: 2,
  14: 2,
  20: 2,
  25: 2,
  26: 2,
};

/**
 * Throws `model.truncated` for an empty or truncated file, and `model.format` for anything else that does not look like
 * a ModelProto. Reads only its top level, so the time does not depend on the size of the weights. `where` names the
 * file in messages.
 */
export function checkModelBytes(bytes: Uint8Array, where = 'model'): void {
  if (!isBytes(bytes)) throw new UsageError(`${where}: expected a Uint8Array, got ${shown(bytes)}`);
  if (bytes.length === 0)
    throw new ModelFormatError('model.truncated', `${where}: expected an ONNX model, got an empty file`);
  const head = String.fromCharCode(
    ...bytes.subarray(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0, 64),
  );
  const foreign = FOREIGN.find(([pattern]) => pattern.test(head));
  if (foreign) throw new ModelFormatError('model.format', `${where}: expected an ONNX model, got ${foreign[1]}`);
  const unlike = new ModelFormatError(
    'model.format',
    `${where}: expected an ONNX model, got ${bytes.length} bytes of something else`,
  );
  let at = 0;
  let graph = false;
  while (at < bytes.length) {
    const read = fieldAt(bytes, at);
    if (!read) throw cut(where, bytes.length, undefined, at > 0 ? undefined : unlike);
    const { field, wire, value, end } = read;
    // Unknown fields are allowed (newer writers), known ones with another wire type are not ONNX.
    if (field === 0 || (MODEL_FIELDS[field] ?? wire) !== wire) throw unlike;
    if ((wire === 0 || wire === 2) && value === undefined)
      throw cut(where, bytes.length, undefined, at > 0 ? undefined : unlike);
    if (end === undefined) throw unlike;
    if (end > bytes.length) throw MODEL_FIELDS[field] === undefined ? unlike : cut(where, bytes.length, end);
    if (field === 7) graph = true;
    at = end;
  }
  if (!graph) throw new ModelFormatError('model.format', `${where}: expected an ONNX model with a graph, got none`);
}

function cut(where: string, got: number, expected?: number, instead?: ModelFormatError): ModelFormatError {
  return (
    instead ??
    new ModelFormatError(
      'model.truncated',
      `${where}: expected ${expected === undefined ? 'more' : `at least ${expected}`} bytes, got ${got}: the ` +
        'file is cut off; download or copy it again',
    )
  );
}

/** A field of an encoded message: where its bytes begin and end. */
interface Field {
  field: number;
  wire: number;
  /** The value of a varint, or the length of a delimited field; undefined if the bytes end first. */
  value: number | undefined;
  start: number;
  /** May lie beyond the message; undefined for invalid wire types. */
  end: number | undefined;
}

/** The field whose key is at `at`; undefined if the bytes end within the key. */
function fieldAt(bytes: Uint8Array, at: number): Field | undefined {
  const key = varint(bytes, at);
  if (!key) return undefined;
  const wire = key.value % 8;
  const sized = wire === 0 || wire === 2 ? varint(bytes, key.next) : undefined;
  const start = sized ? sized.next : key.next;
  const length = wire === 1 ? 8 : wire === 5 ? 4 : sized && (wire === 0 ? 0 : sized.value);
  const end = length === undefined ? undefined : start + length;
  return { field: Math.floor(key.value / 8), wire, value: sized?.value, start, end };
}

/**
 * Contents of every field `wanted` of an encoded message that is length-delimited (or, with `wire` 0, a varint), in
 * order. Calls `damaged`, which may throw, and stops at the first thing that is not protobuf.
 */
export function fieldsOf(bytes: Uint8Array, wanted: number, damaged?: () => void): Generator<Uint8Array>;
export function fieldsOf(bytes: Uint8Array, wanted: number, damaged: undefined, wire: 0): Generator<number>;
export function* fieldsOf(
  bytes: Uint8Array,
  wanted: number,
  damaged: () => void = () => undefined,
  wanting: 0 | 2 = 2,
): Generator<Uint8Array | number> {
  for (let at = 0; at < bytes.length;) {
    const read = fieldAt(bytes, at);
    if (read?.end === undefined || read.end > bytes.length) return damaged();
    const { field, wire, value = 0, start, end } = read;
    if (wire === wanting && field === wanted) yield wire === 2 ? bytes.subarray(start, end) : value;
    at = end;
  }
}

/**
 * The varint at `at`, as a number (inexact above 2^53), and where it ends; undefined if the bytes end first or it is
 * longer than ten bytes.
 */
export function varint(bytes: Uint8Array, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, next: at + i + 1 };
  }
  return undefined;
}
