// Encodes and decodes checkpoints: everything that a run needs to continue bit for bit. docs/checkpoints.md describes
// the format; stores write the files.
import { ARRAY_OF, BYTES_OF, ForjaError, UsageError, sizeOf, type DType, type NamedTensors } from '@forja/core';
import { sha256 } from '../digest.js';

/** Version of the format that this code writes, and the only one it reads. */
export const CHECKPOINT_VERSION = 2;

const MAGIC = 'FORJACKP';
const ALIGN = 64;
const DIGEST = 32;
const PREFIX = MAGIC.length + 8;

/** What a step's numbers depend on besides configuration and state. If any of it differs, the bits may differ. */
export type Environment = Record<string, string>;

/** A checkpoint. */
export interface Checkpoint {
  /**
   * Iterations done; the next is number `step`. It determines which phases run next, their random numbers and their
   * batches, so a checkpoint always lies between two iterations.
   */
  step: number;
  seed: number;
  batch: number;
  /** Number of examples in the data set; the order is drawn from it. */
  count: number;
  /** Seconds of training so far, in all sessions. */
  seconds: number;
  system: string;
  environment: Environment;
  /** What schedules that watch the run remember, by name. */
  schedules?: Readonly<Record<string, readonly number[]>>;
  /** How often the run went back because a number was not finite. Default 0. */
  rollbacks?: number;
  /** All state, in tfjs's logical layout. */
  state: NamedTensors;
}

interface Header extends Omit<Checkpoint, 'state'> {
  tensors: { name: string; dtype: DType; shape: number[]; offset: number }[];
}

/**
 * Bytes of a checkpoint: magic, version, header length, JSON header, tensors (little-endian, aligned to 64), SHA-256 of
 * all before it.
 */
export async function encodeCheckpoint({ state, ...rest }: Checkpoint): Promise<Uint8Array> {
  let offset = 0;
  const tensors = Object.entries(state).map(([name, { dtype, shape, data }]) => {
    const entry = { name, dtype, shape: [...shape], offset };
    if (data.byteLength !== sizeOf(shape) * BYTES_OF[dtype])
      throw new UsageError(
        `encodeCheckpoint: expected ${sizeOf(shape)} values in '${name}', got ${data.byteLength} bytes`,
        { code: 'input.shape' },
      );
    offset = aligned(offset + data.byteLength);
    return entry;
  });
  const header = new TextEncoder().encode(JSON.stringify({ ...rest, tensors } satisfies Header));
  const start = aligned(PREFIX + header.length);
  const bytes = new Uint8Array(start + offset + DIGEST);
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(MAGIC.length, CHECKPOINT_VERSION, true);
  view.setUint32(MAGIC.length + 4, header.length, true);
  bytes.set(header, PREFIX);
  for (const { name, offset: at } of tensors) {
    const data = state[name]?.data;
    if (data) bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + at);
  }
  bytes.set(await sha256(bytes.subarray(0, bytes.length - DIGEST)), bytes.length - DIGEST);
  return bytes;
}

/**
 * The inverse of {@link encodeCheckpoint}. Throws ForjaError `checkpoint.format` for another format, a truncated file
 * or a flipped bit; `where` names the file.
 */
export async function decodeCheckpoint(bytes: Uint8Array, where = 'checkpoint'): Promise<Checkpoint> {
  const bad = (expected: string, got: string): ForjaError =>
    new ForjaError('checkpoint.format', `${where}: expected ${expected}, got ${got}`);
  if (bytes.length < PREFIX + DIGEST || String.fromCharCode(...bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw bad(`a checkpoint (it begins with ${MAGIC})`, bytes.length === 0 ? 'an empty file' : 'another file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== CHECKPOINT_VERSION)
    throw bad(`version ${CHECKPOINT_VERSION}`, `version ${version}; use the Forja that wrote it`);
  const end = bytes.length - DIGEST;
  const digest = await sha256(bytes.subarray(0, end));
  if (digest.some((b, i) => b !== bytes[end + i]))
    throw bad('the SHA-256 at its end to match', 'another; the file is damaged or truncated');
  const length = view.getUint32(MAGIC.length + 4, true);
  if (PREFIX + length > end) throw bad(`a header of ${length} bytes`, 'a shorter file');
  // written by encodeCheckpoint: the digest matches
  const { tensors, ...rest } = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, PREFIX + length))) as Header;
  const start = aligned(PREFIX + length);
  const state = Object.fromEntries(
    tensors.map(({ name, dtype, shape, offset }) => {
      const from = start + offset;
      const size = sizeOf(shape) * BYTES_OF[dtype];
      if (from + size > end) throw bad(`${size} bytes of '${name}'`, 'a shorter file');
      return [name, { dtype, shape, data: new ARRAY_OF[dtype](bytes.slice(from, from + size).buffer) }];
    }),
  );
  return { ...rest, state };
}

/**
 * A line for each part of the environment that differs: a run resumed there is valid, but may not be equal bit for bit.
 */
export function environmentChanges(before: Environment, now: Environment): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
    before[key] === now[key] ? [] : [`${key} was ${before[key] ?? 'unknown'}, is ${now[key] ?? 'unknown'}`],
  );
}

/** The first tensor, in the state's order, that holds a NaN or an infinity. */
export function firstBad(state: NamedTensors): { name: string; value: number } | undefined {
  for (const [name, { dtype, data }] of Object.entries(state)) {
    if (dtype !== 'float32') continue; // state is float32 or whole numbers
    const value = (data as Float32Array).find((x) => !Number.isFinite(x));
    if (value !== undefined) return { name, value };
  }
  return undefined;
}

const aligned = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;
