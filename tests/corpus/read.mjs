// Reads the packed third-party models; README.md has their origin and the format of the file.
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** All models with their names (paths in the package they come from), each in a buffer of its own. */
export function readCorpus() {
  const all = brotliDecompressSync(readFileSync(new URL('onnx-models.bin', import.meta.url)));
  const models = [];
  for (let at = 0; at < all.length;) {
    const name = at + 8;
    const model = name + all.readUInt32LE(at);
    const end = model + all.readUInt32LE(at + 4);
    models.push({ name: all.toString('utf8', name, model), bytes: new Uint8Array(all.subarray(model, end)) });
    at = end;
  }
  return models;
}
