// Exports with weights in 8 bits or half precision: size, decibels, the same results as their float32 form in
// onnxruntime, faster convolutions, conversion to half precision, tfjs's quantised files, and refusals.
import { readManifest, weightPrecision, type NamedTensors, type Runtime } from '@forja/core';
import {
  checkModel,
  decodeModel,
  encodeModel,
  expandWeights,
  fastModelBytes,
  halfModelBytes,
  type WeightStorage,
} from '@forja/core/onnx';
import { runtime } from '@forja/node';
import { dcgan } from '@forja/trainer';
import { exportOnnx, loadTfjsModel, verifyOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelCard } from '../../packages/trainer/src/export/model-card.js';
import { reportText } from '../../packages/trainer/src/export/report-text.js';
import { unsettle } from './support/random-models.js';
import { readVectors, type Vector } from '../vectors/read.mjs';

let host: Runtime;
let model: tf.LayersModel;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
  const { g } = dcgan({ size: 32, base: 16, channels: 3, latent: 32, batch: 4 }).networks;
  if (g === undefined) throw new Error('no generator');
  model = unsettle(g, 5);
});
afterAll(() => host.dispose());

const floats = (results: NamedTensors): Float32Array => Object.values(results)[0]?.data as Float32Array; // one output
const latents = (batch: number): NamedTensors => ({
  z: {
    dtype: 'float32',
    shape: [batch, 32],
    data: Float32Array.from({ length: 32 * batch }, (_, i) => 2 * Math.sin(i * 12.9898)),
  },
});
const inputs = [{ name: 'z', shape: ['batch', 32] }];

async function pictures(bytes: Uint8Array, batch = 3): Promise<Float32Array> {
  const session = await host.createSession(new Uint8Array(bytes));
  try {
    return floats(await session.run(latents(batch)));
  } finally {
    await session.dispose();
  }
}

const made = new Map<string, ReturnType<typeof exportOnnx>>();
function exported(weights: 'float32' | WeightStorage): ReturnType<typeof exportOnnx> {
  const found = made.get(weights) ?? exportOnnx(model, { inputs, weights, verify: { runtime: host } });
  made.set(weights, found);
  return found;
}
const sameBytes = (a: Uint8Array | undefined, b: Uint8Array | undefined): void =>
  expect(Buffer.compare(Buffer.from(a ?? []), Buffer.from(b ?? [1]))).toBe(0);

test.each([
  ['int8', 3.2, 35],
  ['uint8', 3.2, 35],
  ['fp16', 1.9, 60],
] as const)('%s: smaller, as near as it says, and the same bits as its float form', async (type, times, least) => {
  const [plain, { model: bytes, report }] = [await exported('float32'), await exported(type)];
  expect(plain.model.length / bytes.length).toBeGreaterThan(times);
  expect(report.weights?.psnr?.found).toBeGreaterThan(least);
  expect(report.weights?.weights.length).toBeGreaterThan(2);
  expect(report.parameters).toBe(plain.report.parameters);
  expect(report.errors).toEqual(plain.report.errors);
  expect(readManifest(bytes)).toMatchObject({ weights: type, precision: 'fp32' });
  expect(weightPrecision(bytes)).toBe('fp32');
  expect(() => checkModel(decodeModel(bytes))).not.toThrow();
  expect(reportText(report)).toMatch(`stored as ${type}`);
  expect(await modelCard({ file: 'g.onnx', report, manifest: {} })).toMatch(`stored as ${type}`);
  const expanded = expandWeights(decodeModel(bytes));
  expect(expanded.graph?.nodes).toEqual(decodeModel(plain.model).graph?.nodes);
  expect(await pictures(bytes)).toEqual(await pictures(encodeModel(expanded)));
  await expect(verifyOnnx(bytes, model, { inputs, runtime: host })).resolves.toMatchObject({
    psnr: type === 'fp16' ? 45 : 35,
  });
});

test('convolutions with stored weights are replaced by faster ones, as in the float32 form', async () => {
  const { g: large } = dcgan({ size: 32, base: 32, channels: 3, latent: 32, batch: 4 }).networks;
  if (large === undefined) throw new Error('no generator');
  const { model: bytes } = await exportOnnx(unsettle(large, 5), { inputs, weights: 'int8', verify: false });
  const session = await host.createSession(new Uint8Array(bytes), { lowering: 'auto' });
  const taken = session.device.convolutions ?? {};
  const rewritten = floats(await session.run(latents(3)));
  await session.dispose();
  expect(Object.keys(taken)).not.toEqual([]);
  const expanded = encodeModel(expandWeights(decodeModel(bytes)));
  expect(fastModelBytes(expanded)?.convolutions).toEqual(taken);
  sameBytes(fastModelBytes(bytes)?.bytes, fastModelBytes(expanded)?.bytes);
  const plain = await pictures(expanded);
  expect(rewritten.reduce((max, v, i) => Math.max(max, Math.abs(v - (plain[i] ?? NaN))), 0)).toBeLessThan(1e-5);
});

test('half precision of a stored model is that of its float form', async () => {
  const { model: bytes } = await exported('int8');
  const half = halfModelBytes(bytes);
  sameBytes(half, halfModelBytes(encodeModel(expandWeights(decodeModel(bytes)))));
  expect(weightPrecision(half ?? new Uint8Array())).toBe('fp16');
});

test('too few decibels name the layer that costs most; a lower bound lets the file pass', async () => {
  const failed = await exportOnnx(model, { inputs, weights: 'int8', verify: { runtime: host, psnr: 90 } }).catch(
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({
    code: 'export.mismatch',
    message: expect.stringMatching(
      /at least 90 dB .* got \d+\.\d dB in '.+' with int8 weights; the largest loss is from '.+' of .+ dB/,
    ) as string,
  });
  const { report } = await exportOnnx(model, { inputs, weights: 'int8', verify: { runtime: host, psnr: 10 } });
  expect(report.weights?.psnr).toMatchObject({ least: 10 });
});

test('both ways to halve weights at once are refused', async () => {
  await expect(exportOnnx(model, { inputs, weights: 'int8', precision: 'fp16', verify: false })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('exportOnnx.weights') as string,
  });
});

test.each(['uint8', 'uint16', 'float16'] as const)(
  'a model that tfjs has quantised in %s keeps its size, and its numbers',
  async (dtype) => {
    const folder = await mkdtemp(join(tmpdir(), 'forja-stored-'));
    try {
      await writeQuantised(folder, dtype);
      const loaded = await loadTfjsModel(folder);
      const { model: bytes, report } = await exportOnnx(loaded, { verify: { runtime: host } });
      expect(report.weights?.type).toBe(dtype === 'float16' ? 'fp16' : 'exact');
      expect(report.weights?.weights).toMatchObject([{ type: dtype, exact: true }]);
      expect(report.weights?.psnr?.found).toBeGreaterThan(100);
      const plain = await exportOnnx(loaded, { weights: 'float32', verify: { runtime: host } });
      expect(plain.report.weights).toBeUndefined();
      expect(plain.model.length / bytes.length).toBeGreaterThan(dtype === 'uint8' ? 3 : 1.7);
      loaded.dispose();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/** A convolution with batch norm, which is folded into its weights; these are quantised as tfjs's converter does. */
async function writeQuantised(folder: string, dtype: 'uint8' | 'uint16' | 'float16'): Promise<void> {
  const net = tf.sequential({
    layers: [tf.layers.conv2d({ filters: 64, kernelSize: 3, inputShape: [8, 8, 24], useBias: false })],
  });
  if (dtype !== 'float16') net.add(tf.layers.batchNormalization());
  const wave = (size: number[], middle: number, reach: number): tf.Tensor => {
    const length = size.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length }, (_, i) => middle + reach * Math.sin(i * 78.233)),
      size,
    );
  };
  net.setWeights(
    net.getWeights().map(({ shape }) => (shape.length > 1 ? wave(shape, -0.05, 0.35) : wave(shape, 1, 0.5))),
  );
  const steps = dtype === 'uint8' ? 255 : 65535;
  const parts: Uint8Array[] = [];
  const specs: tf.io.WeightsManifestEntry[] = [];
  let topology: unknown;
  await net.save({
    save: ({ modelTopology, weightSpecs = [], weightData }) => {
      topology = modelTopology;
      const all = new Float32Array(weightData as ArrayBuffer);
      let at = 0;
      for (const spec of weightSpecs) {
        const values = all.slice(at, (at += spec.shape.reduce((a, b) => a * b, 1)));
        if (spec.shape.length < 2) {
          parts.push(new Uint8Array(values.buffer));
          specs.push(spec);
        } else if (dtype === 'float16') {
          const { data } = (readVectors('stored-weights') as { grids: { float16: Vector } }).grids.float16;
          // numbers that half precision has, and their bits
          const halves = Uint16Array.from(values, (_, i) => bitsOf(data[i % data.length] ?? 0));
          parts.push(new Uint8Array(halves.buffer));
          specs.push({ ...spec, quantization: { dtype: 'float16', original_dtype: 'float32' } as never });
        } else {
          const scale = 0.7 / steps;
          const zero = Math.round(0.4 / scale);
          const q = values.map((v) => Math.min(steps, Math.max(0, Math.round(v / scale) + zero)));
          parts.push(dtype === 'uint8' ? Uint8Array.from(q) : new Uint8Array(Uint16Array.from(q).buffer));
          specs.push({ ...spec, quantization: { dtype, scale, min: -zero * scale } });
        }
      }
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    },
  });
  net.dispose();
  await writeFile(join(folder, 'weights.bin'), Buffer.concat(parts));
  const weightsManifest = [{ paths: ['weights.bin'], weights: specs }];
  await writeFile(
    join(folder, 'model.json'),
    JSON.stringify({ format: 'layers-model', modelTopology: topology, weightsManifest }),
  );
}

/** Bits of a number that half precision has, and that is normal there. */
function bitsOf(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  return value === 0 ? 0 : ((bits >>> 16) & 0x8000) | (((bits & 0x7fffffff) - 0x38000000) >>> 13);
}
