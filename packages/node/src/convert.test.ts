// forja convert: the written file, its output, and refusals.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { checkIntegrity, readManifest, type Manifest } from '@forja/core';
import { decodeModel, encodeModel, externalizeModel, expandWeights, GraphBuilder, sealModel } from '@forja/core/onnx';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from './cli/main.js';
import { load } from './load.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-convert-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array): Promise<string> =>
  Promise.resolve(createHash('sha256').update(bytes).digest('hex'));
const wave = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 78.233) * scale);

/** z [batch, 16] → 64 → a picture of 4×8×8, tanh. */
function generator(middle = 64) {
  const g = new GraphBuilder();
  const z = g.input('z', 'float32', ['batch', 16]);
  const hidden = g.op('Relu', [
    g.op('MatMul', [z, g.constant('float32', [16, middle], wave(16 * middle, 0.5), 'first')]),
  ]);
  const flat = g.op('MatMul', [hidden, g.constant('float32', [middle, 192], wave(192 * middle, 0.2), 'second')]);
  g.output('image', g.op('Tanh', [g.op('Reshape', [flat, g.constant('int64', [4], [0, 3, 8, 8])])]));
  return g.build();
}

const manifest: Omit<Manifest, 'integrity'> = {
  version: 1,
  kind: 'latent',
  inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 16], distribution: 'normal' }],
  outputs: [
    { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8], range: [-1, 1], layout: 'nchw' },
  ],
  producer: 'forja',
  license: 'CC0',
};

async function forja(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: '', err: '' };
  const stream = (to: 'out' | 'err') =>
    new Writable({ write: (chunk, _, done) => ((text[to] += String(chunk)), done()) }) as never;
  const code = await main(args, { stdout: stream('out'), stderr: stream('err'), cwd: folder });
  return { code, ...text };
}

test('a generator keeps its manifest, gets smaller, and is sampled like before', async () => {
  await writeFile(join(folder, 'g.onnx'), await sealModel(generator(), manifest, sha256));
  const { code, out, err } = await forja('convert', 'g.onnx', '-o', 'small.onnx', '--weights', 'int8', '--json');
  expect(err).toBe('');
  expect(code).toBe(0);
  const said = JSON.parse(out) as { psnr: number; bytes: number; before: number; weights: unknown[] };
  expect(said).toMatchObject({ file: join(folder, 'small.onnx'), type: 'int8' });
  expect(said.psnr).toBeGreaterThan(35);
  expect(said.weights).toHaveLength(2);
  const bytes = new Uint8Array(await readFile(join(folder, 'small.onnx')));
  expect(bytes.length).toBe(said.bytes);
  expect(said.before / bytes.length).toBeGreaterThan(3);
  const found = readManifest(bytes);
  expect(found).toMatchObject({ ...manifest, weights: 'int8' });
  if (found) await checkIntegrity(bytes, found, sha256);
  const [plain, small] = [await load(join(folder, 'g.onnx')), await load(join(folder, 'small.onnx'))];
  const expanded = await load(encodeModel(expandWeights(decodeModel(bytes))), { integrity: 'off' });
  const pictures = async (from: typeof plain) => (await from.sample({ count: 2, seed: 4 })).data;
  const [a, b, c] = [await pictures(plain), await pictures(small), await pictures(expanded)];
  expect(b).toEqual(c);
  expect(Math.max(...Array.from(a, (v, i) => Math.abs(v - (b[i] ?? NaN))))).toBeLessThan(16);
  for (const each of [plain, small, expanded]) await each.dispose();
});

test('a file without a manifest and its external weights become one file', async () => {
  const { model, external } = externalizeModel(generator(), { location: 'w.bin' });
  await writeFile(join(folder, 'plain.onnx'), encodeModel(model));
  await writeFile(join(folder, 'w.bin'), external.get('w.bin') ?? new Uint8Array());
  const { code, out } = await forja('convert', 'plain.onnx', '--weights', 'fp16');
  expect(code).toBe(0);
  expect(out).toMatch(/2 weights as fp16: 0\.05 MB → 0\.03 MB; \d+\.\d dB/);
  const bytes = new Uint8Array(await readFile(join(folder, 'plain.fp16.onnx')));
  expect(readManifest(bytes)).toBeUndefined();
  // Neither the file nor its weights are overwritten, by whatever path.
  await symlink('plain.onnx', join(folder, 'link.onnx'));
  for (const [from, to] of [
    ['plain.onnx', 'w.bin'],
    ['link.onnx', 'plain.onnx'],
  ] as const)
    expect(await forja('convert', from, '-o', to)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/would be overwritten/) as string,
    });
  await rm(join(folder, 'w.bin'));
  expect((await forja('convert', 'plain.onnx')).err).toMatch(/model\.notFound/);
});

test('inputs and outputs in half precision are drawn and compared as numbers', async () => {
  const g = new GraphBuilder();
  const x = g.op('Cast', [g.input('x', 'float16', [1, 64])], { to: 1 });
  const product = g.op('MatMul', [x, g.constant('float32', [64, 64], wave(4096, 0.5), 'w')]);
  g.output('y', g.op('Cast', [product], { to: 10 }));
  await writeFile(join(folder, 'half.onnx'), encodeModel(g.build()));
  const { code, out } = await forja('convert', 'half.onnx', '--weights', 'int8', '--json');
  expect(code).toBe(0);
  const { psnr } = JSON.parse(out) as { psnr: number };
  // numpy with the same weights, 8 bits a column, and 200 draws of other normals: 37.4 to 67.2 dB
  expect(psnr).toBeGreaterThan(37.4);
  expect(psnr).toBeLessThan(67.2);
});

test('refuses files that cannot be converted, in one line', async () => {
  await writeFile(join(folder, 'g.onnx'), await sealModel(generator(), manifest, sha256));
  await forja('convert', 'g.onnx', '-o', 'again.onnx', '--no-compare');
  await writeFile(join(folder, 'tiny.onnx'), encodeModel(generator(2)));
  for (const [args, code, message] of [
    [['again.onnx'], 1, /quantised already/],
    [['tiny.onnx'], 1, /without any of 1024 numbers/],
    [['g.onnx', '--psnr', '90'], 1, /at least 90 dB .*'(first|second)' of MatMul/],
    [['g.onnx', '-o', 'g.onnx'], 2, /expected another file/],
    [['g.onnx', '--weights', 'int4'], 2, /int8, uint8, fp16, exact/],
    [['none.onnx'], 1, /model\.notFound/],
  ] as const) {
    const found = await forja('convert', ...args);
    expect(found.err).toMatch(message);
    expect(found.err.trimEnd().split('\n')).toHaveLength(1);
    expect(found.code).toBe(code);
  }
});

test('a weight that is NaN is named, and nothing written', async () => {
  const model = generator();
  const second = model.graph?.initializers.find(({ name }) => name === 'second');
  if (second?.rawData === undefined) throw new Error('expected the weight');
  second.rawData = second.rawData.slice();
  new DataView(second.rawData.buffer).setFloat32(400, NaN, true);
  await writeFile(join(folder, 'nan.onnx'), encodeModel(model));
  const { code, err } = await forja('convert', 'nan.onnx', '-o', 'nan-small.onnx');
  expect([code, err]).toEqual([1, expect.stringMatching(/'image' and in its weight 'second'; .*\[model\.format\]/)]);
  await expect(readFile(join(folder, 'nan-small.onnx'))).rejects.toThrow('ENOENT');
});
