// The idx format of MNIST (http://yann.lecun.com/exdb/mnist: two zero bytes, type, rank, big-endian sizes, values),
// plain or gzipped, from bytes.
import { ForjaError, isBytes, joinBytes, optionsOf, shown, UsageError } from '@forja/core';
import { arrayDataset } from './arrays.js';
import type { Dataset } from './dataset.js';

/** An idx file's content: unsigned bytes. */
export interface IdxArray {
  shape: number[];
  data: Uint8Array;
}

/** Largest idx file that is read, in bytes: a hostile gzip file may unpack to any size. */
const LIMIT = 2 ** 31 - 1;

/**
 * Reads an idx file of unsigned bytes; gzip is recognised by its first bytes. `where` names the file in errors.
 * @throws ForjaError `data.format` for other content, other element types, or a length that does not fit the header.
 */
export async function readIdx(bytes: Uint8Array, where = 'idx'): Promise<IdxArray> {
  if (!isBytes(bytes)) throw new UsageError(`${where}: expected a Uint8Array, got ${shown(bytes)}`);
  const raw = bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzip(bytes, where) : bytes;
  const bad = (expected: string, got: string): never => {
    throw new ForjaError('data.format', `${where}: expected ${expected}, got ${got}`);
  };
  if (raw.length < 4 || raw[0] !== 0 || raw[1] !== 0)
    bad(
      'an idx file (it begins with two zero bytes, a type and a rank)',
      raw.length < 4 ? `${raw.length} bytes` : `bytes ${[...raw.subarray(0, 4)].join(' ')}`,
    );
  if (raw[2] !== 8) bad('unsigned bytes (type 8)', `type ${raw[2]}`);
  const rank = raw[3] ?? 0;
  if (rank < 1 || rank > 4) bad('1 to 4 dimensions', String(rank));
  const start = 4 + 4 * rank;
  if (raw.length < start) bad(`a header of ${start} bytes`, `${raw.length} bytes: the file is cut`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  if (raw.length - start !== size)
    bad(
      `${size} bytes of data for shape [${shape.join(', ')}]`,
      `${raw.length - start}${raw.length - start < size ? ': the file is cut' : ''}`,
    );
  return { shape, data: raw.subarray(start) };
}

/** Options of {@link idxDataset}. */
export interface IdxDatasetOptions {
  name?: string;
  /** Bytes of the idx file with the classes. */
  labels?: Uint8Array;
  classes?: readonly string[];
  license?: string;
  /** Attribution. */
  credit?: string;
  /** Examples kept out of training. */
  holdout?: Dataset;
}

/**
 * Grey pictures [height, width, 1] in [-1, 1] as the field `image`, and `label` if labels are given, from an idx file
 * of shape [count, height, width]; rank 4 has channels last.
 */
export async function idxDataset(images: Uint8Array, options: IdxDatasetOptions = {}): Promise<Dataset> {
  const {
    name = 'idx',
    license,
    credit,
    holdout,
  } = optionsOf('idxDataset', options, 'classes credit holdout labels license name');
  const { shape, data } = await readIdx(images, name);
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  if (shape.length < 3)
    throw new ForjaError(
      'data.format',
      `${name}: expected pictures (rank 3 or 4), got rank ${shape.length}; is it the file of labels?`,
    );
  if (count * height * width * channels === 0)
    throw new ForjaError('data.empty', `${name}: expected pictures, got shape [${shape.join(', ')}]`);
  let labels: Uint8Array | undefined;
  if (options.labels) {
    const read = await readIdx(options.labels, `${name} labels`);
    if (read.shape.length !== 1 || read.data.length !== count)
      throw new ForjaError('data.format', `${name} labels: expected shape [${count}], got [${read.shape.join(', ')}]`);
    labels = read.data;
  }
  const classes =
    options.classes ??
    (labels ? Array.from({ length: 1 + labels.reduce((a, b) => Math.max(a, b), 0) }, (_, i) => String(i)) : undefined);
  return arrayDataset({
    name,
    data,
    shape: [height, width, channels],
    ...(labels ? { labels } : {}),
    ...(classes ? { classes } : {}),
    ...(license === undefined ? {} : { license }),
    ...(credit === undefined ? {} : { credit }),
    ...(holdout === undefined ? {} : { holdout }),
  });
}

async function gunzip(bytes: Uint8Array, where: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    // A copy over a plain ArrayBuffer: the stream refuses shared memory.
    const reader = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > LIMIT) throw new Error(`more than ${LIMIT} bytes`);
      parts.push(value);
    }
  } catch (cause) {
    throw new ForjaError(
      'data.format',
      `${where}: expected a whole gzip file, got one that cannot be unpacked ` +
        `(${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    );
  }
  return joinBytes(parts);
}
