// Writes a model with its manifest in the metadata, which the integrity in the manifest does not cover.
import { MANIFEST_KEY, type Manifest } from './manifest.js';
import { checkManifest, graphBytes } from './read-manifest.js';
import { integrityBytes, type Sha256 } from './integrity.js';
import { ModelFormatError } from '../errors.js';
import { utf8 } from '../platform.js';
import { givenModel } from '../onnx/given.js';
import type { Model } from '../onnx/ir.js';
import { encodeModel, graphLength } from '../onnx/serialize.js';

/**
 * The file of `model` with `manifest` in its metadata (replacing any), including the integrity of its graph and of
 * `external` (files by location). Fields are written in the order of {@link Manifest}, so equal manifests give equal
 * bytes. The model is not changed. Throws {@link ModelFormatError} `model.format` for a model without a graph, or a
 * manifest that `readManifest` would refuse.
 */
export async function sealModel(
  model: Model,
  manifest: Omit<Manifest, 'integrity'>,
  sha256: Sha256,
  external?: ReadonlyMap<string, Uint8Array>,
): Promise<Uint8Array> {
  const { graph } = givenModel('sealModel', model);
  if (!graph) throw new ModelFormatError('model.format', 'model: expected a graph, got none');
  // Encoded once with zeros for the digest, which are then overwritten, so that weights are not in memory twice.
  const externalBytes = [...(external?.values() ?? [])].reduce((sum, { length }) => sum + length, 0);
  const complete = checkManifest({
    ...manifest,
    integrity: { sha256: ZEROS, bytes: graphLength(graph) + externalBytes },
  });
  const others = model.metadata.filter(({ key }) => key !== MANIFEST_KEY);
  const text = JSON.stringify(complete);
  const bytes = encodeModel({ ...model, metadata: [...others, { key: MANIFEST_KEY, value: text }] });
  const digest = await sha256(integrityBytes(graphBytes(bytes), external));
  const filled = checkManifest({ ...complete, integrity: { ...complete.integrity, sha256: digest } });
  const [before, after] = [utf8(text), utf8(JSON.stringify(filled))];
  bytes.set(after, lastPlace(bytes, before));
  return bytes;
}

const ZEROS = '0'.repeat(64);

/** The last position of a text. The last one is in the metadata, which comes after the graph. */
function lastPlace(bytes: Uint8Array, text: Uint8Array): number {
  for (let at = bytes.length - text.length; at >= 0; at--)
    if (text.every((byte, i) => bytes[at + i] === byte)) return at;
  throw new ModelFormatError('model.format', 'model: expected the manifest in its metadata, got none');
}
