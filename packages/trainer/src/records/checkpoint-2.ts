// Reads checkpoints of version 2, which were written before the safetensors layout: `FORJACKP`, uint32 version, uint32
// length of the header, header in JSON, tensors at multiples of 64 bytes, SHA-256 of everything before it.
import { ARRAY_OF, BYTES_OF, ForjaError, sizeOf, type DType, type NamedTensors } from '@forja/core';
import { sha256 } from '../digest.js';
import { parseHead, type CheckpointHead } from './checkpoint-head.js';

const MAGIC = 'FORJACKP';
const VERSION = 2;
const ALIGN = 64;
const DIGEST = 32;
const PREFIX = MAGIC.length + 8;

interface Header extends CheckpointHead {
  tensors: { name: string; dtype: DType; shape: number[]; offset: number }[];
}

/** Whether a file begins like a checkpoint of version 2. */
export function isVersion2(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, MAGIC.length)) === MAGIC;
}

/**
 * Decodes a checkpoint of version 2. Throws ForjaError `checkpoint.format` for an older version, a truncated file or a
 * flipped bit; `where` names the file.
 */
export async function decodeVersion2(
  bytes: Uint8Array,
  where: string,
): Promise<CheckpointHead & { state: NamedTensors }> {
  const bad = (expected: string, got: string): ForjaError =>
    new ForjaError('checkpoint.format', `${where}: expected ${expected}, got ${got}`);
  if (bytes.length < PREFIX + DIGEST) throw bad(`at least ${PREFIX + DIGEST} bytes`, `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) throw bad(`version ${VERSION} or 3`, `version ${version}; use the Forja that wrote it`);
  const end = bytes.length - DIGEST;
  const digest = await sha256(bytes.subarray(0, end));
  if (digest.some((b, i) => b !== bytes[end + i]))
    throw bad('the SHA-256 at its end to match', 'another; the file is damaged or truncated');
  const length = view.getUint32(MAGIC.length + 4, true);
  if (PREFIX + length > end) throw bad(`a header of ${length} bytes`, 'a shorter file');
  const text = new TextDecoder().decode(bytes.subarray(PREFIX, PREFIX + length));
  const { tensors, ...rest } = parseHead(text, `${where}: header`) as Header; // the tensors were written by Forja
  if (!Array.isArray(tensors)) throw bad('a list of tensors in the header', 'none');
  const start = Math.ceil((PREFIX + length) / ALIGN) * ALIGN;
  const state = Object.fromEntries(
    tensors.map(({ name, dtype, shape, offset }) => {
      const from = start + offset;
      const size = sizeOf(shape) * BYTES_OF[dtype];
      if (from + size > end) throw bad(`${size} bytes of '${name}'`, 'a shorter file');
      return [
        name,
        { dtype, shape, data: new ARRAY_OF[dtype](new Uint8Array(bytes.subarray(from, from + size)).buffer) },
      ];
    }),
  );
  return { ...rest, state };
}
