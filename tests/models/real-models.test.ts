// Published third-party models, exported unchanged, with dynamic sizes and verified, against tfjs's predict at a size
// that neither the trace nor the verification used.
import { dirname } from 'node:path';
import { createRequire } from 'node:module';
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { exportOnnx, loadTfjsModel, type ExportReport } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sweep } from '../sweeps.js';
import { nsfwModel, packaged } from './published.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('wasm');
});
afterAll(async () => {
  await tf.setBackend('cpu');
  await onnx.dispose();
});

/** Largest |onnx - tfjs| over all outputs, on random numbers from `low` to 1. */
async function relativeDifference(
  bytes: Uint8Array,
  model: tf.LayersModel | tf.GraphModel,
  shape: number[],
  low: number,
): Promise<number> {
  const x = tf.randomUniform(shape, low, 1, 'float32', 5);
  const predicted = model.predict(x) as tf.Tensor | tf.Tensor[];
  const expected = Array.isArray(predicted) ? predicted : [predicted];
  const session = await onnx.createSession(new Uint8Array(bytes));
  try {
    const [input] = session.inputs;
    const results = await session.run({
      [input?.name ?? '']: { dtype: 'float32', shape, data: x.dataSync().slice() as Float32Array },
    });
    const worst = session.outputs.map(({ name = '' }, i) => {
      const [ours, theirs] = [results[name]?.data as Float32Array, expected[i]?.dataSync() ?? []];
      expect(results[name]?.shape).toEqual(expected[i]?.shape);
      return ours.reduce((max, v, k) => Math.max(max, Math.abs(v - (theirs[k] ?? NaN))), 0);
    });
    return Math.max(...worst);
  } finally {
    await session.dispose();
    tf.dispose([x, ...expected]);
  }
}

/** Exports from disk, checks requirements of all models, and compares. */
async function exported(path: string, shape: number[], atol: number, dims: string[], low = 0): Promise<ExportReport> {
  const model = await loadTfjsModel(path);
  const { model: bytes, report } = await exportOnnx(model, { verify: { runtime: onnx, seeds: 1 } });
  expect(report).toMatchObject({ verified: 'passed', dynamicDims: dims });
  expect(report.errors.every(({ relative }) => relative < 5e-5)).toBe(true);
  expect(await relativeDifference(bytes, model, shape, low)).toBeLessThan(atol);
  model.dispose();
  return report;
}

describe('published networks', () => {
  for (const [size, nodes] of [
    ['slim', 25],
    ['medium', 65],
  ] as const) {
    for (const scale of [2, 3, 4, 8]) {
      it(`esrgan-${size} ×${scale}: any batch, height and width; two transposes, custom layers fused`, async () => {
        const report = await exported(
          packaged(`@upscalerjs/esrgan-${size}`, `models/x${scale}/model.json`),
          [1, 11, 23, 3],
          3e-6,
          ['batch', 'height', 'width'],
        );
        // At ×8, equal pixels are computed once and repeated by a further node.
        expect(report).toMatchObject({
          nodes: nodes + (scale < 8 ? 0 : 1),
          transposes: 2,
          outputs: [{ role: 'image', shape: ['batch', `${scale}*height`, `${scale}*width`, 3] }],
        });
        expect(report.ops).toMatchObject({ DepthToSpace: 1 });
        expect(report.ops['Resize']).toBeUndefined();
      });
    }
  }

  it('nsfwjs: MobileNet v2 as a layers model with quantised weights, and another as a graph model', async () => {
    for (const name of ['mobilenet_v2', 'mobilenet_v2_mid'] as const) {
      const { path, remove } = await nsfwModel(name);
      try {
        const report = await exported(path, [3, 224, 224, 3], 2e-5, ['batch']);
        expect(report).toMatchObject({ transposes: 1, outputs: [{ range: [0, 1], shape: ['batch', 5] }] });
        expect(report.ops['Conv']).toBe(52);
        expect(report.ops['BatchNormalization']).toBeUndefined();
      } finally {
        await remove();
      }
    }
  });

  it('basic-pitch: a graph model of sound with three results', async () => {
    const report = await exported(
      packaged('@spotify/basic-pitch', 'model/model.json'),
      [3, 43844, 1],
      2e-5,
      ['batch'],
      -1,
    );
    expect(report.outputs.map(({ shape }) => shape)).toEqual([
      ['batch', 172, 264],
      ['batch', 172, 88],
      ['batch', 172, 88],
    ]);
  });

  it('face-api: networks that are functions, whose weights are plain tensors', async () => {
    const api = createRequire(import.meta.url)(
      packaged('@vladmandic/face-api', 'dist/face-api.node-wasm.js'),
    ) as FaceApi;
    const folder = dirname(packaged('@vladmandic/face-api', 'model/tiny_face_detector_model.bin'));
    const few = [
      ['tinyFaceDetector', 160],
      ['faceLandmark68TinyNet', 112], // behind an extractor of features
    ] as const;
    const all = [...few, ['faceRecognitionNet', 150], ['faceLandmark68Net', 112], ['faceExpressionNet', 112]] as const;
    for (const [name, size] of sweep<readonly [string, number]>(all, few)) {
      const net = api.nets[name];
      if (net === undefined) throw new Error(`no ${name}`);
      await net.loadFromDisk(folder);
      const input = (x: tf.Tensor): unknown => ({ toBatchTensor: () => x });
      const run = (x: tf.Tensor): tf.Tensor =>
        net.faceFeatureExtractor === undefined
          ? net.forwardInput(input(x))
          : net.runNet(net.faceFeatureExtractor.forwardInput(input(x)));
      const { report } = await exportOnnx(run, {
        inputs: [{ name: 'face', role: 'image', range: [0, 255], shape: ['batch', size, size, 3] }],
        verify: { runtime: onnx, seeds: 1, sizes: [{ batch: 1 }, { batch: 2 }] },
      });
      expect(report, name).toMatchObject({ verified: 'passed', dynamicDims: ['batch'] });
    }
  });
});

/** What is used of face-api, whose types want a DOM. */
interface FaceApi {
  nets: Record<string, FaceNet | undefined>;
}

interface FaceNet {
  loadFromDisk(folder: string): Promise<void>;
  forwardInput(input: unknown): tf.Tensor;
  runNet(features: tf.Tensor): tf.Tensor;
  faceFeatureExtractor?: FaceNet;
}
