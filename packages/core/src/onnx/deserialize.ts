// Bytes → IR, using the generated table and protobufjs's Reader. Lossless: int64 is exact, NaNs keep their bits,
// unknown fields are kept as bytes. Malicious bytes give a ModelFormatError: the reader checks lengths, and nesting and
// the number of objects are limited here.
import { Reader } from 'protobufjs/minimal.js';
import { joinBytes } from '../bytes.js';
import { ModelFormatError } from '../errors.js';
import { checkModelBytes } from './model-bytes.js';
import type { Graph, Model } from './ir.js';
import type { Messages } from './schema/onnx.js';
import {
  NUMBER_LIST,
  emptyMessage,
  isNumberList,
  planOf,
  type Fields,
  type MessageName,
  type Row,
} from './schema/plan.js';
import type { NumberList } from './schema/table.js';
import { decodeText } from './text.js';

/** Maximum nesting of messages, as in other protobuf implementations; enough for 30 levels of subgraphs. */
const MAX_DEPTH = 100;
/**
 * Maximum number of messages, texts, byte strings and dimensions in one model: two bytes of a file can become an object
 * of hundreds of bytes. A node has about ten of these; a model of 10,000 nodes is large.
 */
const MAX_OBJECTS = 1_000_000;

/**
 * The model in the bytes of an ONNX file. `rawData` and other byte strings are views of `bytes`, not copies; numbers
 * are copied. A singular message that occurs twice (which protobuf would merge) is refused. Throws {@link
 * ModelFormatError} `model.truncated` or `model.format`; `checkModel` checks whether the graph is valid.
 */
export function decodeModel(bytes: Uint8Array): Model {
  checkModelBytes(bytes);
  return decode('ModelProto', bytes, 'model');
}

/** The graph in the bytes of an encoded GraphProto. See {@link decodeModel}. */
export function decodeGraph(bytes: Uint8Array): Graph {
  return decode('GraphProto', bytes, 'graph');
}

function decode<M extends MessageName>(message: M, bytes: Uint8Array, where: string): Messages[M] {
  // A view, so that byte strings of a Node Buffer are plain Uint8Arrays too.
  const decoder = new Decoder(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    return decoder.message(message, bytes.length, 0) as unknown as Messages[M]; // as the table's types ensure
  } catch (error) {
    const { path, expected } = damageOf(error);
    const name = path.reverse().join('.');
    throw new ModelFormatError(
      'model.format',
      `${where}${name === '' ? '' : `: ${name}`}: expected ${expected} (byte ${decoder.reader.pos} of ` +
        `${bytes.length}): the file is damaged; download or export it again`,
      {
        cause: error,
      },
    );
  }
}

/** An error in the bytes, whose path is collected from the inside out as it propagates. */
class Damage extends Error {
  readonly path: string[] = [];
  constructor(
    readonly expected: string,
    options?: ErrorOptions,
  ) {
    super(expected, options);
  }
}

/**
 * The reader throws RangeError for reads past its end and Error for malformed numbers; anything else is a bug of ours.
 */
function damageOf(error: unknown): Damage {
  if (error instanceof Damage) return error;
  if (error instanceof RangeError)
    return new Damage('fields that end inside their message, got one that runs past it', { cause: error });
  if (error instanceof Error && error.constructor === Error)
    return new Damage(`protobuf, got ${error.message}`, { cause: error });
  throw error;
}

class Decoder {
  readonly reader: Reader;
  #objects = 0;
  /** The bits of one number, to be read as the type that the IR uses. */
  readonly #words = new Uint32Array(2);
  readonly #big = new BigInt64Array(this.#words.buffer);
  readonly #float = new Float32Array(this.#words.buffer);

  constructor(bytes: Uint8Array) {
    this.reader = new Reader(bytes);
  }

  message(name: MessageName, end: number, depth: number): Fields {
    if (depth > MAX_DEPTH) throw new Damage(`at most ${MAX_DEPTH} levels of messages, got more`);
    this.#count();
    const { reader } = this;
    const { byNumber, oneof } = planOf(name);
    const fields = emptyMessage(name);
    const growing = new Map<string, Growing>();
    const unknown: [start: number, end: number][] = [];
    const outer = reader.len;
    reader.len = end;
    while (reader.pos < end) {
      const start = reader.pos;
      const tag = reader.tag();
      const wire = tag & 7;
      const row = byNumber.get(tag >>> 3);
      if (row && wire === row.wire) {
        if (row.oneof) for (const other of oneof) if (other !== row.name) delete fields[other];
        this.#field(row, fields, growing, depth);
      } else if (row && wire === 2 && row.repeated) this.#run(row, fields, growing);
      else {
        // A known field with another wire type also counts as unknown, as protobuf specifies.
        reader.skipType(wire, 0, tag >>> 3);
        if (wire === 0 && reader.pos - start > 15) throw new Damage('protobuf, got an endless number');
        const last = unknown.at(-1);
        if (last?.[1] === start) last[1] = reader.pos;
        else {
          this.#count();
          unknown.push([start, reader.pos]);
        }
      }
    }
    reader.len = outer;
    for (const [key, list] of growing) fields[key] = list.finish();
    if (unknown.length > 0) fields['unknown'] = joined(unknown.map((range) => reader.raw(...range)));
    return fields;
  }

  /** Reads one element that is not packed. */
  #field(row: Row, fields: Fields, growing: Map<string, Growing>, depth: number): void {
    const { name, kind } = row;
    if (isNumberList(kind)) return this.#number(kind, list(growing, kind, name));
    const value = row.message ? this.#child(row, row.message, fields, depth + 1) : this.#scalar(kind, fields);
    if (row.repeated)
      (fields[name] as unknown[]).push(value); // a list, from emptyMessage
    else fields[name] = value;
  }

  #child(row: Row, message: MessageName, fields: Fields, depth: number): Fields {
    const { reader } = this;
    const before = fields[row.name];
    try {
      if (before !== undefined && !row.repeated) throw new Damage('one value, got two');
      const end = reader.size() + reader.pos;
      if (end > reader.len) throw new RangeError();
      return this.message(message, end, depth);
    } catch (error) {
      const damage = damageOf(error);
      damage.path.push(Array.isArray(before) ? `${row.name}[${before.length}]` : row.name);
      throw damage;
    }
  }

  #scalar(kind: Exclude<Row['kind'], NumberList>, fields: Fields): unknown {
    const { reader } = this;
    if (kind === 'int32') return reader.int32();
    if (kind === 'float') return this.#floatOf(reader.fixed32(), fields);
    this.#count();
    if (kind === 'int64' || kind === 'int64[]') {
      this.#varint();
      return this.#big[0];
    }
    const bytes = reader.bytes();
    return kind === 'string' || kind === 'string[]' ? decodeText(bytes) : bytes;
  }

  #floatOf(bits: number, fields: Fields): number | undefined {
    this.#words[0] = bits;
    const value = this.#float[0];
    delete fields['nanBits'];
    if (Number.isNaN(value) && bits !== 0x7fc00000) fields['nanBits'] = bits;
    return value;
  }

  /** Reads packed numbers: several in one field. */
  #run(row: Row, fields: Fields, growing: Map<string, Growing>): void {
    const { reader } = this;
    const end = reader.size() + reader.pos;
    if (end > reader.len) throw new RangeError();
    const outer = reader.len;
    reader.len = end;
    if (isNumberList(row.kind)) {
      const into = list(growing, row.kind, row.name);
      if (row.wire === 0) {
        let count = 0;
        for (let i = reader.pos; i < end; i++) if ((reader.buf[i] ?? 0) < 128) count++;
        into.reserve(count);
        while (reader.pos < end) this.#number(row.kind, into);
      } else {
        into.append(reader.raw(reader.pos, end));
        reader.pos = end;
      }
      // int64[] is the only other kind that can be packed.
    } else while (reader.pos < end) (fields[row.name] as unknown[]).push(this.#scalar('int64', fields));
    reader.len = outer;
  }

  #number(kind: NumberList, into: Growing): void {
    const { reader } = this;
    if (kind === 'Float32Array' || kind === 'Float64Array') {
      const start = reader.pos;
      reader.skip(into.size);
      into.append(reader.raw(start, reader.pos));
    } else if (kind === 'Int32Array') {
      into.push(reader.uint32(), 0);
    } else {
      this.#varint();
      into.push(this.#words[0] ?? 0, this.#words[1] ?? 0);
    }
  }

  /** Reads a 64-bit varint into `#words`, without bigint arithmetic. */
  #varint(): void {
    const { reader } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (reader.pos >= reader.len) throw new RangeError();
      const byte = reader.buf[reader.pos++] ?? 0;
      const bits = byte & 127;
      if (shift < 32) low |= bits << shift;
      if (shift > 28) high |= bits << (shift - 32);
      else if (shift === 28) high |= bits >> 4;
      if (byte < 128) {
        this.#words[0] = low;
        this.#words[1] = high;
        return;
      }
    }
    throw new Damage('protobuf, got a number longer than ten bytes');
  }

  #count(): void {
    if (++this.#objects > MAX_OBJECTS)
      throw new Damage(`at most ${MAX_OBJECTS} messages, texts and dimensions, got more`);
  }
}

/** A growable typed array that is filled with bytes, so that no number is converted to a JavaScript number. */
class Growing {
  readonly size: number;
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  #length = 0;

  constructor(readonly kind: NumberList) {
    this.size = NUMBER_LIST[kind].BYTES_PER_ELEMENT;
  }

  /** Makes room for `count` more numbers. */
  reserve(count: number): void {
    this.#room(this.#length + count * this.size);
  }

  append(bytes: Uint8Array): void {
    if (bytes.length % this.size !== 0) throw new Damage(`a multiple of ${this.size} bytes, got ${bytes.length}`);
    this.#room(this.#length + bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  push(low: number, high: number): void {
    const end = this.#length + this.size;
    this.#room(end);
    this.#words[this.#length >> 2] = low;
    if (this.size === 8) this.#words[(this.#length >> 2) + 1] = high;
    this.#length = end;
  }

  finish(): InstanceType<(typeof NUMBER_LIST)[NumberList]> {
    const bytes = this.#bytes.length === this.#length ? this.#bytes : this.#bytes.slice(0, this.#length);
    return new NUMBER_LIST[this.kind](bytes.buffer);
  }

  /**
   * The first chunk gets exactly the room it needs; later ones double the capacity, so that many small chunks take
   * linear time.
   */
  #room(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#words = new Uint32Array(larger.buffer);
  }
}

function list(growing: Map<string, Growing>, kind: NumberList, name: string): Growing {
  let found = growing.get(name);
  if (!found) growing.set(name, (found = new Growing(kind)));
  return found;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] ? parts[0] : joinBytes(parts);
}
