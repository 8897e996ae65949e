// Packs the test models of the `onnx` Python package into one file: `node tests/corpus/pack.mjs <unpacked wheel of onnx
// 1.15.0>`. A wheel is a ZIP; later wheels lack the models. Each distinct model once, by path; see README.md for the
// format.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, brotliCompressSync } from 'node:zlib';

const LARGEST = 65_536;

const [wheel] = process.argv.slice(2);
if (!wheel) throw new Error('pack: expected the folder of an unpacked wheel, got none');
const data = join(wheel, 'onnx', 'backend', 'test', 'data');
const paths = readdirSync(data, { recursive: true })
  .filter((path) => path.endsWith('.onnx'))
  .map((path) => path.replaceAll('\\', '/'))
  .sort();
const seen = new Set();
const parts = [];
for (const path of paths) {
  const bytes = readFileSync(join(data, path));
  const key = bytes.toString('latin1');
  if (bytes.length > LARGEST || seen.has(key)) continue;
  seen.add(key);
  const name = Buffer.from(path.replace(/\/model\.onnx$/, ''));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(name.length, 0);
  head.writeUInt32LE(bytes.length, 4);
  parts.push(head, name, bytes);
}
const all = Buffer.concat(parts);
const packed = brotliCompressSync(all, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: all.length,
  },
});
writeFileSync(new URL('onnx-models.bin', import.meta.url), packed);
console.log(`${seen.size} models, ${all.length} bytes, packed into ${packed.length}`);
