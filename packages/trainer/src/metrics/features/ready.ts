// The built-in extractors by name, and their training data. They are trained by
// packages/trainer/scripts/extractors.mjs, which also writes a report with the accuracy of each.
import { ForjaError } from '@forja/core';
import { hex, sha256 } from '../../digest.js';
import type { ExtractorFile } from './onnx.js';

/** The built-in extractors. `sha256` is of the ONNX file. */
export const READY = {
  digits: {
    data: 'MNIST',
    sha256: '8c0c8849433c436ad7530610b528a83e802d672b67c6fead473ae4e99625d349',
    load: async () => (await import('./digits.js')).model,
  },
  clothes: {
    data: 'Fashion-MNIST',
    sha256: 'd1d1d543c24c9f893db610121281d8887d6efcef81c70fcc57c72125d8417521',
    load: async () => (await import('./clothes.js')).model,
  },
} as const;

export type ReadyName = keyof typeof READY;

/** A built-in extractor, with its digest checked. */
export async function readyExtractor(name: ReadyName): Promise<ExtractorFile> {
  const text = atob(await READY[name].load());
  const model = Uint8Array.from(text, (c) => c.charCodeAt(0));
  if (hex(await sha256(model)) !== READY[name].sha256)
    throw new ForjaError(
      'model.integrity',
      `features: expected the extractor '${name}' as it was made, got other bytes`,
    );
  return { name, model };
}
