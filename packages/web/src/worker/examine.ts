// What a model's bytes say before onnxruntime sees them: manifest, integrity, precision. In the worker, because hashing
// takes time.
import { checkIntegrity, ModelFormatError, readManifest, UsageError, weightPrecision } from '@forja/core';
import type { Manifest } from '@forja/core';
import { sha256 } from './source.js';

/**
 * The file's own manifest, checked against its bytes. Throws `model.integrity` when they differ and `integrity` is
 * `error`; with `warn`, the message is among `warnings`.
 */
export async function examine(
  bytes: Uint8Array,
  external: ReadonlyMap<string, Uint8Array>,
  integrity: 'error' | 'warn' | 'off',
  precision: 'auto' | 'fp32' | 'fp16',
): Promise<{ manifest: Manifest | undefined; warnings: string[] }> {
  if (!['error', 'warn', 'off'].includes(integrity))
    throw new UsageError(`load.integrity: expected one of error, warn, off, got '${integrity}'`);
  if (!['auto', 'fp32', 'fp16'].includes(precision))
    throw new UsageError(`load.precision: expected one of auto, fp32, fp16, got '${precision}'`);
  if (precision === 'fp32' && weightPrecision(bytes) !== 'fp32')
    throw new UsageError("load.precision: expected 'fp32' weights, got fp16: load it with 'auto', or convert the file");
  const manifest = readManifest(bytes);
  const warnings: string[] = [];
  if (manifest && integrity !== 'off') {
    await checkIntegrity(bytes, manifest, sha256, external).catch((error: unknown) => {
      if (integrity === 'error' || !(error instanceof ModelFormatError) || error.code !== 'model.integrity')
        throw error;
      warnings.push(error.message);
    });
  }
  return { manifest, warnings };
}
