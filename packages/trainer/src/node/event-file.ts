// TensorBoard's event file: TFRecords of Event messages (tensorflow/core/util/event.proto, summary.proto) with scalars,
// pictures, and a session-start event, which makes TensorBoard drop later steps of an interrupted earlier session.
import { appendFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Writer } from 'protobufjs/minimal.js';

/** Scalars and pictures of a step, by tag. Tags with the same prefix before `/` share a section. */
export interface Events {
  readonly step: number;
  readonly scalars?: Readonly<Record<string, number>>;
  /** PNG files. */
  readonly pictures?: Readonly<Record<string, { png: Uint8Array; width: number; height: number }>>;
}

/** Protobuf keys of fields in the .proto files: field number · 8 + wire type. */
const KEY = {
  event: {
    wallTime: (1 << 3) | 1,
    step: (2 << 3) | 0,
    fileVersion: (3 << 3) | 2,
    summary: (5 << 3) | 2,
    log: (7 << 3) | 2,
  },
  summary: { value: (1 << 3) | 2 },
  value: { tag: (1 << 3) | 2, simple: (2 << 3) | 5, image: (4 << 3) | 2 },
  image: { height: (1 << 3) | 0, width: (2 << 3) | 0, colours: (3 << 3) | 0, encoded: (4 << 3) | 2 },
  log: { status: (1 << 3) | 0 },
} as const;
const START = 1;

/** An append-only event file in a folder, created on first write. */
export class EventFile {
  readonly #path: string;
  #started = false;

  constructor(folder: string, now: number = Date.now()) {
    this.#path = join(folder, `events.out.tfevents.${Math.floor(now / 1000)}.${hostname()}.${process.pid}`);
  }

  /**
   * Appends events; `time` in milliseconds. The first event of a file is preceded by the file's version and a session
   * start.
   */
  async write({ step, scalars = {}, pictures = {} }: Events, time: number = Date.now()): Promise<void> {
    const records: Uint8Array[] = [];
    if (!this.#started) {
      records.push(record(event(time).uint32(KEY.event.fileVersion).string('brain.Event:2')));
      const start = event(time, step).uint32(KEY.event.log).fork().uint32(KEY.log.status).int32(START).ldelim();
      records.push(record(start));
      this.#started = true;
    }
    const summary = event(time, step).uint32(KEY.event.summary).fork();
    for (const [tag, value] of Object.entries(scalars))
      summary
        .uint32(KEY.summary.value)
        .fork()
        .uint32(KEY.value.tag)
        .string(tag)
        .uint32(KEY.value.simple)
        .float(value)
        .ldelim();
    for (const [tag, { png, width, height }] of Object.entries(pictures)) {
      summary.uint32(KEY.summary.value).fork().uint32(KEY.value.tag).string(tag).uint32(KEY.value.image).fork();
      summary.uint32(KEY.image.height).int32(height).uint32(KEY.image.width).int32(width);
      summary.uint32(KEY.image.colours).int32(4).uint32(KEY.image.encoded).bytes(png).ldelim().ldelim();
    }
    records.push(record(summary.ldelim()));
    await appendFile(this.#path, Buffer.concat(records));
  }
}

function event(time: number, step?: number): Writer {
  const writer = Writer.create()
    .uint32(KEY.event.wallTime)
    .double(time / 1000);
  return step === undefined ? writer : writer.uint32(KEY.event.step).int64(step);
}

/** Length, its checksum, the bytes, their checksum; little-endian. */
function record(message: Writer): Uint8Array {
  const data = message.finish();
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(data)), true);
  return bytes;
}

/** The masked checksum of TFRecords: rotated right by 15 bits, plus a constant. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

/** Remainders of the Castagnoli polynomial, by byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c >>> 0;
});

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 255]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
