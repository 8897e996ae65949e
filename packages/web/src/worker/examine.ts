// Checks a model's bytes before onnxruntime loads them: manifest, integrity, expectations. Runs in the worker, because
// hashing takes time.
import { checkExpected, checkIntegrity, ModelFormatError, readManifest, UsageError } from '@forja/core';
import type { Expectations, Manifest } from '@forja/core';
import { sha256 } from './source.js';

/**
 * The file's own manifest, checked against its bytes. Throws `model.integrity` when they differ and `integrity` is
 * `error`; with `warn`, the message is among `warnings`.
 */
export async function examine(
  bytes: Uint8Array,
  external: ReadonlyMap<string, Uint8Array>,
  integrity: 'error' | 'warn' | 'off',
  expected: Expectations,
): Promise<{ manifest: Manifest | undefined; warnings: string[] }> {
  if (!['error', 'warn', 'off'].includes(integrity))
    throw new UsageError(`load.integrity: expected one of error, warn, off, got '${integrity}'`);
  checkExpected('the model', bytes, expected);
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
