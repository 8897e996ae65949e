// Functions that read a dynamic size: branches are found by tracing at many sizes and refused by line; the proven range
// is written into the file, and load enforces it. Reference: tfjs.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { runInThisContext } from 'node:vm';
import { ExportError, readManifest, type Runtime } from '@forja/core';
import { load, runtime } from '@forja/node';
import { exportOnnx, reportText, verifyOnnx, type ExportOptions } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleTrainChild } from './support/train-bundle.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

type Fn = (v: tf.Tensor4D) => tf.Tensor;
const PICTURE = ['batch', 'height', 'width', 3];
const exported = (fn: Fn, shape: (string | number)[] = PICTURE, options: ExportOptions = {}) =>
  exportOnnx(fn as (v: tf.Tensor) => tf.Tensor, { inputs: [{ name: 'x', shape }], verify: false, ...options });

async function refusal(fn: Fn, shape?: (string | number)[], options?: ExportOptions): Promise<string> {
  const failure: unknown = await exported(fn, shape, options).then(
    ({ report }) => report.proven,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(ExportError);
  expect(failure).toMatchObject({ code: 'export.unsupported' });
  return (failure as Error).message;
}

/** A user's helper with its own stack frame: the mean colour if the picture is large. */
const isLarge = (x: tf.Tensor): boolean => (x.shape[1] ?? 0) > 512;

describe('a function that branches on a size', () => {
  it.each<[string, Fn, (string | number)[]]>([
    ['above a height', (v) => (v.shape[1] > 512 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['above a height, in a helper', (v) => (isLarge(v) ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['above a height, two kernels at one place', (v) => (v.shape[1] > 700 ? tf.relu : tf.tanh)(v), PICTURE],
    ['above a batch', (v) => (v.shape[0] > 100 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['below a width', (v) => (v.shape[2] < 5 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['at one height, a number in its source', (v) => (v.shape[1] === 777 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['at multiples of 16', (v) => (v.shape[1] % 16 === 0 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['at powers of two', (v) => (Number.isInteger(Math.log2(v.shape[1])) ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['by the area', (v) => (v.shape[1] * v.shape[2] > 250_000 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['by the number of elements', (v) => (v.size > 1e6 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['where it is square', (v) => (v.shape[1] === v.shape[2] ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['by the size of a derived tensor', (v) => ((v.mean(3).shape[1] ?? 0) > 600 ? tf.relu(v) : tf.tanh(v)), PICTURE],
    ['in a number', (v) => tf.leakyRelu(v, v.shape[1] > 512 ? 0.1 : 0.2), PICTURE],
    ['in a constant', (v) => v.mul(v.shape[1] > 512 ? [1, 2, 3] : [3, 1, 2]), PICTURE],
    ['in a rank', (v) => v.reshape(v.shape[1] > 512 ? [-1, 3] : [-1, 3, 1]), PICTURE],
    ['odd or even', (v) => (v.shape[0] % 2 === 0 ? tf.relu(v) : tf.tanh(v)), ['n', 3]],
    ['odd or even, in a number', (v) => tf.leakyRelu(v, v.shape[0] % 2 === 0 ? 0.1 : 0.2), ['n', 3]],
  ])('is refused with its line: %s', async (_, fn, shape) => {
    expect(await refusal(fn, shape)).toMatch(/reads the size at \S*branches\.test\.ts:\d+:\d+/);
  });

  it('is refused with the range without a branch, and exported with those bounds, which load enforces', async () => {
    const fn: Fn = (v) => (v.shape[1] > 512 ? tf.relu(v) : tf.tanh(v));
    expect(await refusal(fn)).toContain('bounds: { height: [1, 512] }');
    const { model, report } = await exported(fn, PICTURE, {
      bounds: { height: [1, 512] },
      verify: { runtime: onnx, seeds: 1 },
    });
    expect(report.proven['height']).toMatchObject({ bounds: [1, 512] });
    expect(report.proven['width']).toBeUndefined();
    expect(report.proven['height']?.sites[0]).toMatch(/branches\.test\.ts:\d+:\d+/);
    expect(reportText(report)).toMatch(/height: from 1 to 512.*other runtimes/);
    expect(readManifest(model)?.bounds).toEqual({ height: [1, 512] });
    await verifyOnnx(model, fn as never, { inputs: [{ name: 'x', shape: PICTURE }], runtime: onnx, seeds: 1 });

    const generator = await load(model, { device: 'cpu', threads: 1 });
    try {
      for (const height of [1, 512]) {
        const x = tf.randomNormal([1, height, 2, 3], 0, 1, 'float32', 5);
        const data = x.dataSync() as Float32Array;
        const [result] = Object.values(await generator.run({ x: { dtype: 'float32', shape: x.shape, data } }));
        expect(result?.data as Float32Array).toBeAllclose(tf.tanh(x).dataSync() as Float32Array, {
          atol: 1e-6,
          rtol: 1e-6,
        });
      }
      await expect(
        generator.run({ x: { dtype: 'float32', shape: [1, 513, 1, 3], data: new Float32Array(513 * 3) } }),
      ).rejects.toMatchObject({ code: 'input.shape', message: expect.stringContaining('from 1 to 512') as unknown });
    } finally {
      await generator.dispose();
    }
  });

  it.each(['tfjs-gan/src/f.mjs', 'tfjs/src/tf.js', '@tensorflow-gan/dist/tf.helpers.mjs'])(
    'is refused with its line in a file at %s',
    async (path) => {
      const folder = mkdtempSync(join(tmpdir(), 'forja-branch-'));
      try {
        const file = join(folder, path);
        mkdirSync(join(file, '..'), { recursive: true });
        writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
        writeFileSync(file, 'export const f = (tf) =>\n  (v) => (v.shape[1] > 512 ? tf.relu(v) : tf.tanh(v));\n');
        const { f } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { f: (lib: typeof tf) => Fn };
        expect(await refusal(f(tf))).toContain(`reads the size at ${file}:2:`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  it('is refused in a script of a vm', async () => {
    const f = runInThisContext('(tf) => (v) => v.shape[1] > 512 ? tf.relu(v) : tf.tanh(v)') as (lib: typeof tf) => Fn;
    expect(await refusal(f(tf))).toMatch(/reads the size at evalmachine\.<anonymous>:1:\d+/);
  });

  it('is refused if bundled with Forja into one file, in a folder called dist', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [await bundleTrainChild('branch-child', 'dist')]);
    const [branch, chance, straight] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { message?: string; proven?: object });
    expect(branch?.message).toContain('bounds: { height: [1, 512] }');
    expect(chance?.message).toContain('Math.random()');
    expect(straight?.proven).toEqual({});
  });

  it('is refused with its own error if it throws within the stated bounds', async () => {
    const fn: Fn = (v) => {
      if (v.shape[1] > 100) throw new Error('too high');
      return tf.relu(v);
    };
    expect(await refusal(fn, PICTURE, { bounds: { height: [8, 128] } })).toMatch(/height 101.*too high/);
    const { report } = await exported(fn, PICTURE, { bounds: { height: [8, 100] } });
    expect(report.proven['height']?.bounds).toEqual([8, 100]);
  });
});

describe('a function that reads a size without branching', () => {
  it.each<[string, Fn, Record<string, [number, number]>]>([
    ['reshape', (v) => v.reshape([v.shape[0], -1]), { batch: [1, 2048] }],
    ['a factor', (v) => v.mul(1 / v.shape[1]), { height: [1, 2048] }],
    ['a size that is fixed', (v) => v.mul(v.shape[3]), {}],
    [
      'the lesser of two',
      (v) => tf.zeros([Math.min(v.shape[1], 256), 3]).add(v.mean([0, 1, 2])),
      { height: [1, 2048] },
    ],
  ])('is exported for the sizes that were tried: %s', async (_, fn, bounds) => {
    const { model, report } = await exported(fn, PICTURE, { verify: { runtime: onnx, seeds: 1 } });
    expect(readManifest(model)?.bounds ?? {}).toEqual(bounds);
    for (const { tried } of Object.values(report.proven)) expect(tried).toBeGreaterThan(100);
  });

  it('is exported up to the size where floats round differently: 1.4 · 45 is 62.99…', async () => {
    const fn: Fn = (v) => tf.image.resizeNearestNeighbor(v, [Math.floor(1.4 * v.shape[1]), 8]);
    const { report } = await exported(fn, PICTURE, { verify: { runtime: onnx, seeds: 1 } });
    expect(report.outputs[0]?.shape[1]).toBe('floor((2*height)/5) + height');
    expect(report.steps).toEqual({});
    expect(report.proven['height']?.bounds).toEqual([1, 44]);
  });

  it('has no bounds if only tfjs reads the size', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [null, null, 3] as unknown as number[],
          filters: 2,
          kernelSize: 3,
          padding: 'same',
        }),
        tf.layers.upSampling2d({}),
        tf.layers.globalAveragePooling2d({}),
      ],
    }); // tfjs's type has no dynamic sizes
    const { model: bytes, report } = await exportOnnx(model, { verify: false });
    expect(report.proven).toEqual({});
    expect(readManifest(bytes)).not.toHaveProperty('bounds');
  });

  it('has a step if its shapes fit only at multiples', async () => {
    const fn: Fn = (v) => {
      const small = tf.avgPool(v, 2, 2, 'valid');
      return tf.concat([tf.image.resizeNearestNeighbor(small, [small.shape[1] * 2, small.shape[2] * 2]), v], 3);
    };
    const { report } = await exported(fn);
    expect(report.steps).toEqual({ height: 2, width: 2 });
    expect(report.proven['height']?.bounds).toEqual([2, 2048]);
  });

  it('refuses bounds of unknown dims, of one size only, and in the wrong order', async () => {
    for (const bounds of [{ depth: [1, 2] }, { height: [64, 64] }, { height: [9, 3] }] as Record<
      string,
      [number, number]
    >[])
      await expect(exported((v) => tf.relu(v), PICTURE, { bounds })).rejects.toMatchObject({ code: 'usage' });
  });
});
