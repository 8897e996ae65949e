// Decodes a step-*.json vector file: every { shape, data } becomes { shape, data: Float32Array }. See README.md for the
// format.
import { readFileSync } from 'node:fs';

function decode(value) {
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.data === 'string' && Array.isArray(value.shape)) {
    const bytes = Uint8Array.from(Buffer.from(value.data, 'base64'));
    return { shape: value.shape, data: new Float32Array(bytes.buffer) };
  }
  if (Array.isArray(value)) return value.map(decode);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, decode(v)]));
}

/** The vectors of one case: 'dcgan28', 'pool-avg', 'pool-max' or 'mlp'. */
export function readStep(name) {
  return decode(JSON.parse(readFileSync(new URL(`./step-${name}.json`, import.meta.url), 'utf8')));
}
