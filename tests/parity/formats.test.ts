// Formats of an exported file: half precision, external weights, opsets, pictures as bytes. Results are compared with
// tfjs and with the plain file.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest, type NamedTensors, type Runtime } from '@forja/core';
import { checkModel, decodeModel, DATA_TYPE, internalizeModel } from '@forja/core/onnx';
import { load, runtime } from '@forja/node';
import { commands, exportOnnx, loadTfjsModel, reportText, verifyOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietIo } from '../../packages/trainer/src/node/quiet-io.support.js';
import { packaged } from '../models/published.js';
import '../matchers.js';
import { sweep } from '../sweeps.js';
import { network, NETWORKS } from './support/networks.js';

let onnx: Runtime;
let folder: string;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'forja-formats-'));
  await tf.setBackend('wasm');
});
afterAll(async () => {
  await tf.setBackend('cpu');
  await onnx.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Numbers to feed a file with, at batch 2 and pictures of 16×24 where sizes are free. */
function feedsOf(bytes: Uint8Array): NamedTensors {
  const sizes: Readonly<Record<string, number>> = { batch: 2, height: 16, width: 24 };
  return Object.fromEntries(
    (readManifest(bytes)?.inputs ?? []).map(({ name, dtype, shape, classes }, at) => {
      const dims = shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 3)));
      const count = dims.reduce((a, b) => a * b, 1);
      const data =
        dtype === 'int32'
          ? Int32Array.from({ length: count }, (_, i) => i % (classes?.length ?? 5))
          : Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * (at + 1.7)) / 2 + 0.4);
      return [name, { dtype: dtype === 'int32' ? ('int32' as const) : ('float32' as const), shape: dims, data }];
    }),
  );
}

async function outputsOf(bytes: Uint8Array, external?: Map<string, Uint8Array>): Promise<NamedTensors> {
  const session = await onnx.createSession(
    new Uint8Array(bytes),
    external === undefined ? {} : { external: new Map(external) },
  );
  try {
    return await session.run(feedsOf(bytes));
  } finally {
    await session.dispose();
  }
}

/** PSNR of `a` against `b`, independent of the product's: the peak is the range of `b`. */
function decibels(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const values = Array.from(b);
  const noise = values.reduce((sum, v, i) => sum + (v - (a[i] ?? NaN)) ** 2, 0) / values.length;
  return 10 * Math.log10((Math.max(...values) - Math.min(...values)) ** 2 / noise);
}

describe('half precision', () => {
  it.each(sweep(NETWORKS, ['dcgan', 'esrgan', 'unet', 'attention']))(
    '%s: 45 dB or more of tfjs and of the float32 file, weights of half the size',
    async (name) => {
      const model = network(name);
      const full = await exportOnnx(model, { verify: false });
      const { model: bytes, report } = await exportOnnx(model, { precision: 'fp16', verify: { runtime: onnx } });
      checkModel(bytes);
      expect(report).toMatchObject({ verified: 'passed', precision: 'fp16', psnr: 45 });
      expect(report.errors.every(({ psnr = 0 }) => psnr >= 45)).toBe(true);
      expect(reportText(report)).toContain('at least 45 dB (half precision)');
      expect(readManifest(bytes)?.precision).toBe('fp16');
      expect(readManifest(full.model)?.precision).toBe('fp32');
      expect(bytes.length).toBeLessThan(full.model.length);
      const { graph } = decodeModel(bytes);
      expect(
        [...(graph?.inputs ?? []), ...(graph?.outputs ?? [])].every(
          ({ type }) => type?.tensor?.elemType !== DATA_TYPE.float16,
        ),
      ).toBe(true);
      const casts =
        graph?.nodes
          .filter(({ opType }) => opType === 'Cast')
          .map(({ inputs, attributes }) => `${inputs[0] ?? ''} ${String(attributes[0]?.i)}`) ?? [];
      expect(new Set(casts).size).toBe(casts.length);
      const [a, b] = [await outputsOf(bytes), await outputsOf(full.model)];
      for (const [output, value] of Object.entries(b))
        expect(decibels(a[output]?.data as Float32Array, value.data as Float32Array)).toBeGreaterThan(45);
    },
  );

  it.each(['@upscalerjs/esrgan-slim models/x2', '@upscalerjs/esrgan-medium models/x4', '@spotify/basic-pitch model'])(
    '%s, as published',
    async (which) => {
      const [name = '', path = ''] = which.split(' ');
      const model = await loadTfjsModel(packaged(name, `${path}/model.json`));
      const { report } = await exportOnnx(model, { precision: 'fp16', verify: { runtime: onnx, seeds: 1 } });
      expect(report.errors.map(({ psnr = 0 }) => psnr >= 45)).not.toContain(false);
      model.dispose();
    },
  );

  it('load recognises the file; below 45 dB an export is refused; verifyOnnx measures decibels too', async () => {
    const model = network('dcgan');
    const { model: bytes } = await exportOnnx(model, { precision: 'fp16', verify: { runtime: onnx } });
    await expect(load(bytes, { expect: { precision: 'fp32' } })).rejects.toMatchObject({ code: 'usage' });
    const generator = await load(bytes, { precision: 'fp16' });
    expect(generator.manifest.precision).toBe('fp16');
    await generator.dispose();
    expect(await verifyOnnx(bytes, model, { runtime: onnx })).toMatchObject({ psnr: 45 });
    await expect(verifyOnnx(bytes, model, { runtime: onnx, tolerance: 1e-6 })).rejects.toMatchObject({
      code: 'export.mismatch',
    });
    // 300² · 2 does not fit into half precision, and 1e5 - 1e5 + x is lost in it.
    const far = tf.variable(
      tf.tensor2d([
        [300, 0],
        [0, 300],
      ]),
    );
    const overflowing = (x: tf.Tensor): tf.Tensor => tf.matMul(tf.matMul(x, far), far);
    await expect(
      exportOnnx(overflowing, {
        precision: 'fp16',
        inputs: [{ name: 'x', shape: ['batch', 2] }],
        verify: { runtime: onnx },
      }),
    ).rejects.toMatchObject({ code: 'export.mismatch', message: expect.stringContaining('half precision') as string });
    far.dispose();
  });
});

describe('external weights', () => {
  it('are next to the model, aligned to pages, loaded, verified and covered by its integrity', async () => {
    const model = network('unet', 4);
    const inside = await exportOnnx(model, { verify: false });
    const {
      model: bytes,
      external = new Map<string, Uint8Array>(),
      report,
    } = await exportOnnx(model, { externalData: { above: 0, location: 'unet.onnx.data' }, verify: { runtime: onnx } });
    checkModel(bytes);
    expect([...external.keys()]).toEqual(['unet.onnx.data']);
    expect(report.external).toEqual({ 'unet.onnx.data': external.get('unet.onnx.data')?.length });
    expect(bytes.length).toBeLessThan(inside.model.length / 4);
    const offsets =
      decodeModel(bytes).graph?.initializers.flatMap(({ externalData }) =>
        externalData.filter(({ key }) => key === 'offset').map(({ value }) => Number(value)),
      ) ?? [];
    expect(offsets.length).toBeGreaterThan(3);
    expect(offsets.filter((offset) => offset % 4096 !== 0)).toEqual([]);
    expect(await outputsOf(bytes, external)).toEqual(await outputsOf(inside.model));
    expect(
      await exportOnnx(model, { externalData: { above: 0, location: 'unet.onnx.data' }, verify: false }),
    ).toMatchObject({ model: bytes, external });

    const path = join(folder, 'unet.onnx');
    await writeFile(path, bytes);
    await expect(load(path)).rejects.toMatchObject({ code: 'model.notFound' });
    const data = external.get('unet.onnx.data')?.slice() ?? new Uint8Array();
    await writeFile(join(folder, 'unet.onnx.data'), data);
    const generator = await load(path);
    expect(await generator.run(feedsOf(bytes))).toEqual(await outputsOf(inside.model));
    await generator.dispose();
    expect(await verifyOnnx(bytes, model, { runtime: onnx, external })).toMatchObject({ tolerance: 1e-4 });
    data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
    await writeFile(join(folder, 'unet.onnx.data'), data);
    await expect(load(path)).rejects.toMatchObject({ code: 'model.integrity' });
  });

  it('are external above a number of bytes, also in half precision; inlined they are the same model', async () => {
    const model = network('dcgan', 8);
    const plain = await exportOnnx(model, { precision: 'fp16', verify: false, externalData: 1e9 });
    expect(plain.external).toBeUndefined();
    const { model: bytes, external = new Map<string, Uint8Array>() } = await exportOnnx(model, {
      precision: 'fp16',
      externalData: 10_000,
      verify: { runtime: onnx },
    });
    expect([...external.keys()]).toEqual(['model.onnx.data']);
    expect(internalizeModel(decodeModel(bytes), external).graph).toEqual(decodeModel(plain.model).graph);
    expect(() => internalizeModel(decodeModel(bytes), new Map())).toThrow(
      expect.objectContaining({ code: 'model.notFound' }) as Error,
    );
    expect(() => internalizeModel(decodeModel(bytes), new Map([['model.onnx.data', new Uint8Array(9)]]))).toThrow(
      expect.objectContaining({ code: 'model.truncated' }) as Error,
    );
    for (const location of ['../x.data', '/x.data', 'C:\\x.data'])
      await expect(exportOnnx(model, { externalData: { above: 0, location }, verify: false })).rejects.toMatchObject({
        code: 'usage',
      });
  });

  it('by command: files are named after the model, verify reads them, a bad option is refused', async () => {
    const model = network('dcgan', 8);
    await model.save(
      tf.io.withSaveHandler(async ({ modelTopology, weightSpecs = [], weightData }) => {
        // one buffer: the model is small
        await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
        await writeFile(
          join(folder, 'model.json'),
          JSON.stringify({
            format: 'layers-model',
            modelTopology,
            weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }],
          }),
        );
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    const lines: string[] = [];
    const note = (line = ''): void => void lines.push(line);
    const io = quietIo({ cwd: folder, print: note, warn: note });
    const forja = async (name: string, args: Record<string, unknown>) =>
      (await commands.find((command) => command.name === name)?.run(args, io)) as Record<string, unknown>;
    const data = join(folder, 'small.onnx.data');
    expect(
      await forja('export', {
        model: 'model.json',
        out: 'small.onnx',
        precision: 'fp16',
        externalData: 'always',
        card: false,
      }),
    ).toMatchObject({ external: [data], report: { precision: 'fp16' } });
    expect((await readFile(data)).length).toBeGreaterThan(1000);
    expect(await forja('verify', { model: 'small.onnx', against: 'model.json' })).toMatchObject({
      equal: true,
      psnr: 45,
    });
    expect(lines.at(-1)).toContain('45 dB');
    const before = await readFile(join(folder, 'small.onnx'));
    await expect(
      forja('export', { model: 'model.json', out: 'small.onnx', externalData: 'often' }),
    ).rejects.toMatchObject({ code: 'usage' });
    expect(await readFile(join(folder, 'small.onnx'))).toEqual(before);
    await rm(data);
    await expect(forja('verify', { model: 'small.onnx', against: 'model.json' })).rejects.toMatchObject({
      code: 'model.notFound',
    });
    await symlink(join(tmpdir(), '..', 'etc', 'hostname'), data);
    await expect(forja('verify', { model: 'small.onnx', against: 'model.json' })).rejects.toMatchObject({
      code: 'model.format',
    });
  });
});

describe('opsets', () => {
  const IR: Readonly<Record<number, bigint>> = { 17: 8n, 21: 10n, 22: 10n };

  it.each(sweep(NETWORKS, ['srgan', 'resnet', 'critic', 'conditional']))(
    '%s: equal outputs in 17, 21 and 22, each with the lowest IR version that it allows',
    async (name) => {
      const model = network(name);
      let first: NamedTensors | undefined;
      for (const opset of [17, 21, 22]) {
        const { model: bytes } = await exportOnnx(model, { opset, verify: false });
        checkModel(bytes);
        expect(decodeModel(bytes)).toMatchObject({ irVersion: IR[opset], opsetImport: [{ version: BigInt(opset) }] });
        const outputs = await outputsOf(bytes);
        first ??= outputs;
        for (const [output, value] of Object.entries(first))
          expect(outputs[output]?.data as Float32Array).toBeAllclose(value.data as Float32Array, {
            rtol: 1e-6,
            atol: 1e-6,
          });
      }
    },
  );
});

describe('pictures as bytes', () => {
  it.each(['uint8-nchw', 'uint8-nhwc'] as const)(
    '%s: the bytes of the float picture, rounded to the nearest, in half precision within one',
    async (imageOutput) => {
      const model = network('dcgan');
      const layout = imageOutput === 'uint8-nchw' ? ('nchw' as const) : ('nhwc' as const);
      const float = await exportOnnx(model, { verify: false, layout: { outputs: layout } });
      const { model: bytes, report } = await exportOnnx(model, { imageOutput, verify: { runtime: onnx } });
      const half = await exportOnnx(model, { imageOutput, precision: 'fp16', verify: { runtime: onnx } });
      expect(report.outputs[0]).toMatchObject({
        dtype: 'uint8',
        range: [0, 255],
        layout,
        shape: imageOutput === 'uint8-nchw' ? ['batch', 3, 32, 32] : ['batch', 32, 32, 3],
      });
      expect(report.ops['Round']).toBeUndefined(); // WebGPU has none
      const [name = ''] = Object.keys(await outputsOf(bytes));
      const pixels = (await outputsOf(float.model))[name]?.data as Float32Array;
      const expected = Array.from(pixels, (v) => Math.min(255, Math.floor(Math.fround(Math.fround(v * 127.5) + 128))));
      expect(Array.from((await outputsOf(bytes))[name]?.data as Uint8Array)).toEqual(expected);
      expect((await outputsOf(half.model))[name]?.data as Uint8Array).toBeAllclose(expected, { atol: 1 });
    },
  );
});
