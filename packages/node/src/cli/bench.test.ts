// forja bench: its report on a small generator with a convolution, against `load` of the same file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conditionalGenerator } from '../../vitest.support.js';
import { load } from '../index.js';
import { main } from './main.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forja-bench-'));
  writeFileSync(join(folder, 'generator.onnx'), generatorBytes());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * latent [batch, 64·8·8] as a picture of 64 channels → transposed convolution to 32 of 16×16 → 1×1 convolution to 3 →
 * tanh.
 */
function generatorBytes(): Uint8Array {
  const g = new GraphBuilder({ name: 'bench' });
  const weights = (sizes: number[]): Float32Array =>
    Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, (_, i) => 0.05 * Math.sin(i));
  const z = g.op('Reshape', [
    g.input('latent', 'float32', ['batch', 64 * 8 * 8]),
    g.constant('int64', [4], [0, 64, 8, 8]),
  ]);
  const up = g.op('ConvTranspose', [z, g.constant('float32', [64, 32, 4, 4], weights([64, 32, 4, 4]), 'w')], {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    kernel_shape: [4, 4],
  });
  const last = g.op(
    'Conv',
    [g.op('Relu', [up]), g.constant('float32', [3, 32, 1, 1], weights([3, 32, 1, 1]), 'last')],
    { kernel_shape: [1, 1] },
  );
  g.output('image', g.op('Tanh', [last]));
  return encodeModel(g.build());
}

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const both = Promise.all([text(stdout), text(stderr)]);
  const code = await main(args, { stdout, stderr, cwd: folder } as never); // streams without the methods of terminals
  stdout.end();
  stderr.end();
  const [out, error] = await both;
  return { code, out, error };
}

const quick = ['bench', 'generator.onnx', '--device', 'cpu', '--threads', '1', '--seconds', '0.01', '--batch', '1,3'];

test('times whole calls at each batch size, and explains the algorithms that load chose', async () => {
  const { code, out, error } = await run(...quick, '--deterministic', '--explain', '--json');
  expect(code, error).toBe(0);
  const found = JSON.parse(out) as {
    timings: { batch: number; calls: number; min: number; median: number; p95: number; imagesPerSecond: number }[];
    convolutions: { node: string; what: string; prices: Record<string, number[]>; taken: string }[];
    device: { convolutions?: Record<string, string> };
  };
  expect(found.timings.map(({ batch }) => batch)).toEqual([1, 3]);
  for (const { batch, calls, min, median, p95, imagesPerSecond } of found.timings) {
    expect(calls).toBeGreaterThan(0);
    expect([min, median, p95]).toEqual([min, median, p95].sort((a, b) => a - b));
    expect(imagesPerSecond).toBeCloseTo((1000 * batch) / median, 6);
  }
  const generator = await load(join(folder, 'generator.onnx'), { device: 'cpu', threads: 1, deterministic: true });
  expect(found.device.convolutions).toEqual(generator.device.convolutions);
  await generator.dispose();
  // the other has too few channels for alternatives
  expect(found.convolutions.map(({ what }) => what)).toEqual(['64 → 32 channels, 8×8 → 16×16, kernel 4×4, stride 2']);
  for (const { node, taken, prices } of found.convolutions) {
    expect(taken).toBe(found.device.convolutions?.[node] ?? 'portable');
    expect(Object.keys(prices)).toContain(taken);
    expect(
      Object.values(prices)
        .flat()
        .every((price) => price > 0),
    ).toBe(true);
  }
});

test('marks the algorithms in use, also if the file is unchanged', async () => {
  const { code, out } = await run(...quick, '--explain', '--lowering', 'portable');
  expect(code).toBe(0);
  expect(out).toMatch(/^generator\.onnx on cpu, 1 thread: loaded in /);
  expect(out.split('\n').filter((line) => line.startsWith('  * '))).toEqual([
    expect.stringMatching(/^ {2}\* portable /),
  ]);
});

test('measures a conditional model whose manifest has no class names', async () => {
  const file = join(folder, 'conditional.onnx');
  writeFileSync(file, conditionalGenerator());
  expect(await run('bench', file, '--batch', '2', '--seconds', '0.01')).toMatchObject({ code: 0 });
  const generator = await load(file, { device: 'cpu', threads: 1, warmup: [1, 2] });
  expect(generator.stats()).toMatchObject({ runs: 2, images: 3 });
  const warm = await load(file, { device: 'cpu', threads: 1, warmup: true });
  expect(warm.stats()).toMatchObject({ runs: 1, images: 1 });
  await warm.dispose();
  // The caller must choose a class.
  await expect(generator.sample()).rejects.toMatchObject({ code: 'usage' });
  await generator.dispose();
});

test.each([
  ['--batch', '0', 'whole numbers'],
  ['--batch', '2,x', 'whole numbers'],
  ['--seconds', '0', 'above 0'],
])('refuses %s %s', async (flag, value, message) => {
  const { code, error } = await run(...quick, flag, value);
  expect(code).toBe(2);
  expect(error).toContain(message);
});
