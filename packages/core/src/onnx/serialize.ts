// IR → bytes, using the generated table and protobufjs's Writer. Fields are written in the order of their numbers, and
// unknown ones last, so equal models give equal bytes.
import { Writer } from 'protobufjs/minimal.js';
import { joinBytes } from '../bytes.js';
import { ModelFormatError } from '../errors.js';
import { isBytes } from '../realm.js';
import { givenModel } from './given.js';
import type { Graph, Model } from './ir.js';
import { isNumberList, planOf, type Fields, type MessageName, type Row } from './schema/plan.js';
import type { NumberList, ScalarKind } from './schema/table.js';
import { encodeText, hasLoneSurrogates } from './text.js';

/** Protobuf's size limit for one message. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * The ONNX file of a model: the inverse of `decodeModel`. Throws {@link ModelFormatError}: `model.format` for a number
 * outside its field's range (bigints outside 64 bits, a fraction in an int32), `model.unsupported` above 2 GiB, where
 * the weights must go into external files.
 */
export function encodeModel(model: Model): Uint8Array {
  givenModel('encodeModel', model);
  return encode('ModelProto', model as unknown as Fields); // an interface has no index signature
}

/** The encoded GraphProto, byte for byte as {@link encodeModel} writes it: what a manifest's integrity covers. */
export function encodeGraph(graph: Graph): Uint8Array {
  return encode('GraphProto', graph as unknown as Fields); // an interface has no index signature
}

/** Bytes of the encoded GraphProto. */
export function graphLength(graph: Graph): number {
  return lengthOf(partsOf('GraphProto', graph as unknown as Fields)); // as above
}

/**
 * Byte strings longer than this bypass the Writer, whose buffer doubles as it grows: they are copied once, to their
 * final place.
 */
const LARGE = 65536;

/** By message, the field that holds a large byte string, or messages that contain one. */
const HEAVY: Readonly<Record<string, string>> = {
  ModelProto: 'graph',
  GraphProto: 'initializers',
  TensorProto: 'rawData',
};

function encode(name: MessageName, fields: Fields): Uint8Array {
  const parts = partsOf(name, fields);
  const length = lengthOf(parts);
  if (length > MAX_BYTES) throw tooLarge(length);
  return joinBytes(parts);
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** The message in pieces, in order: large byte strings, and the encoded bytes between them. */
function partsOf(name: MessageName, fields: Fields): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let writer = new Writer();
  const put = (row: Row, content: readonly Uint8Array[]): void => {
    writer.uint32((row.number << 3) | row.wire).uint32(lengthOf(content));
    parts.push(writer.finish(true), ...content);
    writer = new Writer();
  };
  try {
    for (const row of planOf(name).rows) {
      const value = fields[row.name];
      if (row.name !== HEAVY[name] || value === undefined) writeRow(writer, row, fields);
      else if (row.message === undefined) {
        if ((value as Uint8Array).length > LARGE)
          put(row, [value as Uint8Array]); // rawData, the only heavy field that is no message
        else writeRow(writer, row, fields);
      } else {
        for (const element of row.repeated ? (value as Fields[]) : [value as Fields]) {
          const raw = element['rawData'];
          if (row.repeated && !(isBytes(raw) && raw.length > LARGE)) writeField(writer, row, element, fields);
          else put(row, partsOf(row.message, element));
        }
      }
    }
    writeUnknown(writer, fields);
  } catch (error) {
    // A RangeError can only mean that the buffer grew beyond what the engine can allocate.
    if (error instanceof RangeError) throw tooLarge(writer.pos, error);
    throw error;
  }
  parts.push(writer.finish(true));
  return parts;
}

function tooLarge(bytes: number, cause?: unknown): ModelFormatError {
  return new ModelFormatError(
    'model.unsupported',
    `model: expected at most ${MAX_BYTES} bytes in one file, got more than ${bytes}: put the weights into ` +
      'external files',
    { cause },
  );
}

function writeMessage(writer: Writer, name: MessageName, fields: Fields): void {
  for (const row of planOf(name).rows) writeRow(writer, row, fields);
  writeUnknown(writer, fields);
}

function writeRow(writer: Writer, row: Row, fields: Fields): void {
  const value = fields[row.name];
  if (value === undefined) return;
  if (isNumberList(row.kind))
    writeNumbers(writer, row, row.kind, value as never); // the table ties the value's type to the kind, here and below
  else if (!row.repeated) writeField(writer, row, value, fields);
  else for (const element of value as unknown[]) writeField(writer, row, element, fields);
}

function writeUnknown(writer: Writer, { unknown }: Fields): void {
  if (isBytes(unknown)) writer.raw(unknown);
}

function writeField(writer: Writer, row: Row, value: unknown, fields: Fields): void {
  writer.uint32((row.number << 3) | row.wire);
  if (row.message) {
    writeMessage(writer.fork(), row.message, value as Fields);
    writer.ldelim();
    // lists of numbers were handled above
  } else WRITE[row.kind as Exclude<ScalarKind, NumberList>](writer, value as never, row, fields);
}

const WRITE: {
  readonly [K in Exclude<ScalarKind, NumberList>]: (writer: Writer, value: never, row: Row, fields: Fields) => void;
} = {
  int64: writeInt64,
  'int64[]': writeInt64,
  int32: writeInt32,
  float: (writer, value: number, _, fields) => {
    // JavaScript numbers do not keep a NaN's bits.
    if (Number.isNaN(value)) writer.fixed32(typeof fields['nanBits'] === 'number' ? fields['nanBits'] : 0x7fc00000);
    else writer.float(value);
  },
  string: writeText,
  'string[]': writeText,
  bytes: writeBytes,
  'bytes[]': writeBytes,
};

function writeNumbers(
  writer: Writer,
  row: Row,
  kind: NumberList,
  list: Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array,
): void {
  if (list.length === 0) return;
  // The wire is little-endian, as is every platform of today's JavaScript engines.
  const bytes = new Uint8Array(list.buffer, list.byteOffset, list.byteLength);
  const size = list.BYTES_PER_ELEMENT;
  const tag = (row.number << 3) | (row.packed ? 2 : row.wire);
  if (row.packed) writer.uint32(tag);
  if (row.packed && row.wire !== 0) writer.bytes(bytes);
  else {
    // two words per bigint: the writer needs only the halves
    const words = new Uint32Array(list.buffer, list.byteOffset, list.byteLength / 4);
    if (row.packed) writer.fork();
    for (let i = 0; i < list.length; i++) {
      if (!row.packed) writer.uint32(tag);
      if (row.wire !== 0) writer.raw(bytes.subarray(i * size, (i + 1) * size));
      else if (kind === 'Int32Array') writer.int32(words[i] ?? 0);
      else writeVarint(writer, words[2 * i] ?? 0, words[2 * i + 1] ?? 0);
    }
    if (row.packed) writer.ldelim();
  }
}

function writeInt32(writer: Writer, value: number, row: Row): void {
  if ((value | 0) !== value)
    throw new ModelFormatError('model.format', `${row.name}: expected a 32-bit integer, got ${value}`);
  writer.int32(value);
}

function writeInt64(writer: Writer, value: bigint, row: Row): void {
  if (BigInt.asIntN(64, value) !== value)
    throw new ModelFormatError('model.format', `${row.name}: expected a 64-bit integer, got ${value}`);
  writeVarint(writer, Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
}

/** Writes a 64-bit number from its two halves: protobufjs accepts such pairs, and then needs no Long. */
function writeVarint(writer: Writer, low: number, high: number): void {
  writer.uint64({ low, high, unsigned: true } as never); // typed as a whole Long; only the halves are read
}

function writeText(writer: Writer, value: string): void {
  if (hasLoneSurrogates(value)) writer.bytes(encodeText(value));
  else writer.string(value);
}

function writeBytes(writer: Writer, value: Uint8Array): void {
  writer.bytes(value);
}
