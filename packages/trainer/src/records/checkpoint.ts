// Encodes and decodes checkpoints: everything that a run needs to continue bit for bit, in the safetensors layout.
// docs/checkpoints.md describes the format; stores write the files.
import { ForjaError, type NamedTensors } from '@forja/core';
import { hex, sha256 } from '../digest.js';
import { parseHead, type CheckpointHead, type Environment } from './checkpoint-head.js';
import { decodeVersion2, isVersion2 } from './checkpoint-2.js';
import { decodeTensors, encodeTensors, headerEnd } from './safetensors.js';

/** Version of the format that this code writes. Version 2 can be read too. */
const CHECKPOINT_VERSION = 3;

/** The value of `format` in the metadata. */
const FORMAT = 'forja.checkpoint';
/** Placeholder for the digest, in the bytes that the digest is computed from. */
const NO_DIGEST = '0'.repeat(64);

/** A checkpoint. */
export interface Checkpoint extends CheckpointHead {
  /** All state, in tfjs's logical layout. */
  state: NamedTensors;
}

/**
 * Bytes of a checkpoint: a file in the safetensors layout with all state as tensors. Its metadata are `format`,
 * `version`, `checkpoint` (the rest, as JSON), and `sha256` in hexadecimal, which is the digest of the file with zeros
 * in place of the digest.
 */
export async function encodeCheckpoint({ state, ...rest }: Checkpoint): Promise<Uint8Array> {
  const checkpoint = JSON.stringify(rest);
  const metadata = { format: FORMAT, version: String(CHECKPOINT_VERSION), sha256: NO_DIGEST, checkpoint };
  const bytes = encodeTensors({ metadata, tensors: state });
  const at = digestAt(bytes, headerEnd(bytes, 'encodeCheckpoint'));
  bytes.set(new TextEncoder().encode(hex(await sha256(bytes))), at);
  return bytes;
}

/**
 * The inverse of {@link encodeCheckpoint}, for version 2 too. Throws ForjaError `checkpoint.format` for another format,
 * a truncated file or a flipped bit; `where` names the file.
 */
export async function decodeCheckpoint(bytes: Uint8Array, where = 'checkpoint'): Promise<Checkpoint> {
  if (isVersion2(bytes)) return decodeVersion2(bytes, where);
  const bad = (expected: string, got: string): ForjaError =>
    new ForjaError('checkpoint.format', `${where}: expected ${expected}, got ${got}`);
  const at = digestAt(bytes, headerEnd(bytes, where));
  if (at < 0) throw bad(`a checkpoint, with a SHA-256 in its metadata`, 'another file');
  const blank = new Uint8Array(bytes); // a copy; slice() of a Buffer would share memory
  blank.set(new TextEncoder().encode(NO_DIGEST), at);
  const digest = new TextDecoder().decode(bytes.subarray(at, at + NO_DIGEST.length));
  if (hex(await sha256(blank)) !== digest)
    throw bad('the SHA-256 in its metadata to match', 'another; the file is damaged or truncated');
  const { metadata, tensors } = decodeTensors(bytes, where);
  const { format = '', version = '', checkpoint = '' } = metadata;
  if (format !== FORMAT) throw bad(`the format ${FORMAT}`, `'${format}'`);
  if (version !== String(CHECKPOINT_VERSION))
    throw bad(`version ${CHECKPOINT_VERSION}`, `version ${version}; use the Forja that wrote it`);
  return { ...parseHead(checkpoint, `${where}: checkpoint`), state: tensors };
}

/** Where the digest begins in the file; -1 if there is none. */
function digestAt(bytes: Uint8Array, end: number): number {
  // one character per byte, so that positions in the text are positions in the file
  const header = Array.from({ length: Math.ceil(end / 4096) }, (_, i) =>
    String.fromCharCode(...bytes.subarray(i * 4096, Math.min(end, (i + 1) * 4096))),
  ).join('');
  const found = /"sha256":"(?=[0-9a-f]{64}")/.exec(header);
  return found === null ? -1 : found.index + found[0].length;
}

/**
 * A line for each part of the environment that differs: resuming is possible, but may not be equal bit for bit.
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
