// The integrity of a model file: SHA-256 over the encoded GraphProto, then each external file, sorted by location.
// Metadata is not covered, so it can be edited.
import { joinBytes } from '../bytes.js';
import { ModelFormatError } from '../errors.js';
import { optionsOf } from '../realm.js';
import type { Manifest } from './manifest.js';
import { graphBytes } from './read-manifest.js';

/**
 * SHA-256 of bytes as 64 lower-case hexadecimal digits; injected, because core has neither Web Crypto nor
 * `node:crypto`.
 */
export type Sha256 = (bytes: Uint8Array) => Promise<string>;

/**
 * The bytes that {@link Manifest} `integrity` covers: the GraphProto, then each external file, sorted by location
 * (UTF-16 code units).
 */
export function integrityBytes(graph: Uint8Array, external: ReadonlyMap<string, Uint8Array> = new Map()): Uint8Array {
  if (external.size === 0) return graph;
  const files = [...external].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes);
  return joinBytes([graph, ...files]);
}

/**
 * Compares a model (and its external files by location) with the integrity in its manifest. Needs no protobuf schema.
 * Throws {@link ModelFormatError} `model.integrity` when they differ, or as {@link graphBytes} does if the bytes are
 * not a model.
 */
export async function checkIntegrity(
  bytes: Uint8Array,
  manifest: Manifest,
  sha256: Sha256,
  external?: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const { integrity } = optionsOf('checkIntegrity.manifest', manifest);
  const sealed = integrityBytes(graphBytes(bytes), external);
  if (sealed.length !== integrity.bytes)
    throw damaged(`${integrity.bytes} bytes of graph and weights`, String(sealed.length));
  const digest = await sha256(sealed);
  if (digest !== integrity.sha256) throw damaged(`SHA-256 ${integrity.sha256}`, digest);
}

function damaged(expected: string, got: string): ModelFormatError {
  return new ModelFormatError(
    'model.integrity',
    `model: expected ${expected}, got ${got}: it was changed or damaged after export; download or export it ` +
      "again, or load it with integrity: 'off'",
  );
}
