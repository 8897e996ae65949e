// The same network as a layers model, a graph model and a function: the exports give the same results. One network
// published as layers, one as a graph by the TensorFlow converter.
import { readFile } from 'node:fs/promises';
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { exportOnnx, loadTfjsModel, type ExportReport } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asFunction, asGraph, asLayers, stepsOfGraph, stepsOfLayers } from './forms.js';
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

type Form = tf.LayersModel | tf.GraphModel | ((x: tf.Tensor) => tf.Tensor);

/** tfjs's own result of a form. */
function eager(form: Form, x: tf.Tensor): Float32Array {
  const y = tf.tidy(() => (typeof form === 'function' ? form(x) : (form.predict(x) as tf.Tensor))); // one output
  const values = y.dataSync<'float32'>().slice();
  y.dispose();
  return values;
}

async function run(bytes: Uint8Array, shape: number[], data: Float32Array): Promise<Float32Array> {
  const session = await onnx.createSession(new Uint8Array(bytes));
  try {
    const [input] = session.inputs;
    const [result] = Object.values(await session.run({ [input?.name ?? '']: { dtype: 'float32', shape, data } }));
    return result?.data as Float32Array; // of a float32 output
  } finally {
    await session.dispose();
  }
}

/** Exports every form, and compares their files and tfjs's own numbers with those of the first. */
async function expectSameResults(
  forms: Record<string, Form>,
  named: (number | string)[],
  shape: number[],
  sizes: Record<string, number>[],
): Promise<Record<string, ExportReport>> {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7919) % 256) / 255);
  const reports: Record<string, ExportReport> = {};
  let reference: { file: Float32Array; tfjs: Float32Array } | undefined;
  for (const [name, form] of Object.entries(forms)) {
    const { model, report } = await exportOnnx(form, {
      inputs: [{ name: 'x', shape: named }],
      verify: { runtime: onnx, seeds: 1, sizes },
    });
    const x = tf.tensor(data, shape);
    const made = { file: await run(model, shape, data), tfjs: eager(form, x) };
    x.dispose();
    reference ??= made;
    expect(made.file.length, name).toBe(made.tfjs.length);
    expect(made.file, `${name}: files`).toBeAllclose(reference.file, { atol: 1e-6, rtol: 0 });
    expect(made.tfjs, `${name}: tfjs`).toBeAllclose(reference.tfjs, { atol: 1e-5, rtol: 0 });
    expect(report).toMatchObject({ verified: 'passed', source: { kind: name } });
    reports[name] = report;
  }
  return reports;
}

describe('one network in three forms', () => {
  it('esrgan-slim ×2, published as a layers model: equal files at any size', async () => {
    const layers = (await loadTfjsModel(packaged('@upscalerjs/esrgan-slim', 'models/x2/model.json'))) as tf.LayersModel;
    const steps = stepsOfLayers(layers);
    const graph = await asGraph(steps);
    const reports = await expectSameResults(
      { layers, graph, function: asFunction(steps) },
      ['batch', 'height', 'width', 3],
      [2, 11, 17, 3],
      [{ batch: 1, height: 8, width: 5 }],
    );
    for (const report of Object.values(reports))
      expect(report).toMatchObject({
        nodes: 25,
        transposes: 2,
        dynamicDims: ['batch', 'height', 'width'],
        ops: { Conv: reports['layers']?.ops['Conv'] },
      });
    layers.dispose();
    graph.dispose();
  });

  it('MobileNet v2, written by the TensorFlow converter: equal files from its layers and calls', async () => {
    const { path, remove } = await nsfwModel('mobilenet_v2_mid');
    try {
      const graph = (await loadTfjsModel(path)) as tf.GraphModel;
      const { modelTopology } = JSON.parse(await readFile(path, 'utf8')) as {
        modelTopology: { node: Parameters<typeof stepsOfGraph>[0] };
      };
      const steps = stepsOfGraph(modelTopology.node, graph);
      const reports = await expectSameResults(
        { graph, layers: asLayers(steps), function: asFunction(steps) },
        ['batch', 224, 224, 3],
        [2, 224, 224, 3],
        [{ batch: 1 }],
      );
      for (const report of Object.values(reports))
        expect(report).toMatchObject({ transposes: 1, dynamicDims: ['batch'], ops: { Conv: 52 } });
      graph.dispose();
    } finally {
      await remove();
    }
  });
});
