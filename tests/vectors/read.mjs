// Decodes step-*.json and game-*.json vector files: every { shape, data } becomes { shape, data: Float32Array } (or
// Int32Array). See README.md for the format.
import { readFileSync } from 'node:fs';

/** Bytes of a text in base64. */
export function fromBase64(text) {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

function decode(value) {
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.data === 'string' && Array.isArray(value.shape)) {
    const bytes = fromBase64(value.data);
    return value.dtype === 'int32'
      ? { shape: value.shape, dtype: 'int32', data: new Int32Array(bytes.buffer) }
      : { shape: value.shape, data: new Float32Array(bytes.buffer) };
  }
  if (Array.isArray(value)) return value.map(decode);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, decode(v)]));
}

/** The vectors of one case: 'dcgan28', 'pool-avg', 'pool-max' or 'mlp'. */
export function readStep(name) {
  return decode(JSON.parse(readFileSync(new URL(`./step-${name}.json`, import.meta.url), 'utf8')));
}

/** The vectors of one game: 'wgan-gp', 'pix2pix', … */
export function readGame(name) {
  return decode(JSON.parse(readFileSync(new URL(`./game-${name}.json`, import.meta.url), 'utf8')));
}

/** The vectors of a file whose tensors are packed as above: 'augment'. */
export function readVectors(name) {
  return decode(JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')));
}
