// The built-in extractors by name, and their training data. They are trained by
// packages/trainer/scripts/extractors.mjs, which also writes a report with the accuracy of each.
import { ForjaError } from '@forja/core';
import { hex, sha256 } from '../../digest.js';
import type { ExtractorFile } from './onnx.js';

/** Names of the built-in extractors. */
export type ReadyName = 'digits' | 'clothes' | 'faces' | 'emoji';

interface Ready {
  /** Names of the data sets that it is chosen for. */
  data: readonly string[];
  /** SHA-256 of the ONNX file. */
  sha256: string;
  /** The file in base64. */
  load(): Promise<string>;
}

/** The built-in extractors. */
export const READY: Readonly<Record<ReadyName, Ready>> = {
  digits: {
    data: ['MNIST'],
    sha256: '8c0c8849433c436ad7530610b528a83e802d672b67c6fead473ae4e99625d349',
    load: async () => (await import('./digits.js')).model,
  },
  clothes: {
    data: ['Fashion-MNIST'],
    sha256: 'd1d1d543c24c9f893db610121281d8887d6efcef81c70fcc57c72125d8417521',
    load: async () => (await import('./clothes.js')).model,
  },
  faces: {
    data: ['faces'],
    sha256: '6fc6200b08b169ba1306d4396d01e62a1dc1a9f0e12621073b8f2312c8752333',
    load: async () => (await import('./faces.js')).model,
  },
  emoji: {
    data: ['emoji', 'emoji-groups', 'emoji-names', 'emoji-pens', 'emoji-sketch', 'emoji-styles'],
    sha256: 'e7a3c3914b5ce2e839b92b83672739e3f332518a5df73931184ade11de1c9c93',
    load: async () => (await import('./emoji.js')).model,
  },
};

export const readyNames = Object.keys(READY) as readonly ReadyName[]; // READY has every name

/** A built-in extractor, with its digest checked. */
export async function readyExtractor(name: ReadyName): Promise<ExtractorFile> {
  const text = atob(await READY[name].load()); // which ignores the line breaks
  const model = Uint8Array.from(text, (c) => c.charCodeAt(0));
  if (hex(await sha256(model)) !== READY[name].sha256)
    throw new ForjaError(
      'model.integrity',
      `features: expected the extractor '${name}' as it was made, got other bytes`,
    );
  return { name, model };
}
