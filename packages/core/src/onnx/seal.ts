// Writes a model with its manifest: integrity first, then metadata, which the integrity does not cover.
import { MANIFEST_KEY, type Manifest } from '../generator/manifest.js';
import { checkManifest } from '../generator/read-manifest.js';
import { integrityBytes, type Sha256 } from '../generator/integrity.js';
import { ModelFormatError } from '../errors.js';
import type { Model } from './ir.js';
import { encodeGraph, encodeModel } from './serialize.js';

/**
 * The file of `model` with `manifest` in its metadata (replacing one that is there), and the integrity of its graph and of `external` (files by location) in it.
 * Fields are written in the order of {@link Manifest}, so equal manifests are equal bytes. The model is not changed. Throws {@link ModelFormatError} `model.format`
 * for a model without graph or a manifest that `readManifest` would refuse.
 */
export async function sealModel(model: Model, manifest: Omit<Manifest, 'integrity'>, sha256: Sha256, external?: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  if (!model.graph) throw new ModelFormatError('model.format', 'model: expected a graph, got none');
  const sealed = integrityBytes(encodeGraph(model.graph), external);
  const complete = checkManifest({ ...manifest, integrity: { sha256: await sha256(sealed), bytes: sealed.length } });
  const metadata = [...model.metadata.filter(({ key }) => key !== MANIFEST_KEY), { key: MANIFEST_KEY, value: JSON.stringify(complete) }];
  return encodeModel({ ...model, metadata });
}
