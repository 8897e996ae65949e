// The graphs of exported networks: no batch norm after a convolution, transposes only for pictures at the edge, no
// dead, duplicate or useless nodes, no duplicate weights.
import { ExportError, type Runtime } from '@forja/core';
import { checkModel, decodeModel, optimizeModel, type Graph, type Model } from '@forja/core/onnx';
import { runtime } from '@forja/node';
import { exportOnnx, type ExportOptions, type ExportReport, type Exportable } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { network } from './support/networks.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());
afterEach(() => tf.disposeVariables());

async function exported(
  model: Exportable,
  options: ExportOptions = {},
): Promise<{ model: Model; graph: Graph; report: ExportReport }> {
  const result = await exportOnnx(model, { ...options, verify: { runtime: onnx, seeds: 1 } });
  checkModel(result.model);
  const model_ = decodeModel(result.model);
  if (model_.graph === undefined) throw new ExportError('export.unsupported', 'no graph');
  return { model: model_, graph: model_.graph, report: result.report };
}

/** Checks that apply to every graph. */
function expectTidy({ model, graph }: { model: Model; graph: Graph }): void {
  const read = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]);
  expect(graph.initializers.filter(({ name }) => !read.has(name ?? ''))).toEqual([]);
  expect(graph.nodes.filter(({ outputs }) => !outputs.some((name) => read.has(name)))).toEqual([]);
  const ends = new Set(graph.outputs.map(({ name }) => name));
  expect(
    graph.nodes.filter(({ opType, outputs }) => opType === 'Identity' && !outputs.some((name) => ends.has(name))),
  ).toEqual([]);
  const keys = graph.nodes.map(
    ({ opType, inputs, attributes }) =>
      `${opType ?? ''}(${inputs.join()})${JSON.stringify(attributes, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v instanceof BigInt64Array ? v.join() : v))}`,
  );
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  const bytes = graph.initializers.map(
    ({ dims, dataType, rawData }) => `${dataType ?? 0} ${dims.join()} ${Buffer.from(rawData ?? []).toString('base64')}`,
  );
  expect(bytes.filter((key, i) => bytes.indexOf(key) !== i)).toEqual([]);
  // The passes for models of any origin find nothing left.
  expect(optimizeModel(model).graph?.nodes.length).toBe(graph.nodes.length);
}

const count = ({ report }: { report: ExportReport }, op: string): number => report.ops[op] ?? 0;

/**
 * Maximum transposes with tfjs's own layout: at the edge for pictures, and inside, as attention reads pixels as rows
 * and keys as columns, and a mean over all features takes them in tfjs's order.
 */
const EDGES: Readonly<Record<string, number>> = {
  dcgan: 1,
  srgan: 2,
  esrgan: 2,
  unet: 2,
  resnet: 2,
  attention: 2,
  critic: 1,
  conditional: 0,
};
const INSIDE: Readonly<Record<string, number>> = { attention: 3, critic: 1 };

describe('networks', () => {
  for (const [name, edges] of Object.entries(EDGES)) {
    it(`${name}: at most ${edges} transposes at the edge, none channels-first, no batch norm, nothing to tidy`, async () => {
      const model = network(name);
      const own = await exported(model);
      expectTidy(own);
      expect(count(own, 'BatchNormalization')).toBe(0);
      expect(own.report.transposes, JSON.stringify(own.report.ops)).toBeLessThanOrEqual(edges + (INSIDE[name] ?? 0));
      const first = await exported(model, { layout: { inputs: 'nchw', outputs: 'nchw' } });
      expectTidy(first);
      // Convolutions take their factors and biases, and the rest reads what broadcasts.
      expect([
        count(first, 'Expand'),
        first.graph.nodes.filter(({ opType, inputs }) => opType === 'Conv' && inputs.length < 3).length,
      ]).toEqual([0, name === 'critic' ? 1 : 0]);
      if (name === 'esrgan') expect(count(first, 'Mul')).toBe(2);
      expect(first.report.transposes, JSON.stringify(first.report.ops)).toBeLessThanOrEqual(INSIDE[name] ?? 0);
    });
  }
});

describe('graphs do not contain', () => {
  it('dropout, noise and everything else of training', async () => {
    const layers = [
      tf.layers.dense({ inputShape: [6], units: 5 }),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.gaussianNoise({ stddev: 1 }),
      tf.layers.gaussianDropout({ rate: 0.2 }),
      tf.layers.alphaDropout({ rate: 0.2 }),
      tf.layers.activation({ activation: 'tanh' }),
    ];
    expect((await exported(tf.sequential({ layers }))).report.ops).toEqual({ Gemm: 1, Tanh: 1 });
  });

  it('computations on constants, and duplicates', async () => {
    const table = tf.randomNormal([4, 6], 0, 1, 'float32', 3);
    const fn = (x: tf.Tensor): tf.Tensor => {
      const weights = tf.softmax(
        table
          .square()
          .add(1)
          .matMul(tf.ones([6, 6])),
      );
      const twice = [x.matMul(weights), x.matMul(weights)] as const;
      return tf.mul(tf.sigmoid(twice[0]), tf.relu(twice[1])).mul(1).add(0).reshape([-1, 2, 3]).reshape([-1, 6]);
    };
    const { report, graph } = await exported(fn, { inputs: [{ name: 'x', shape: ['batch', 4] }] });
    expect(report.ops).toEqual({ MatMul: 1, Sigmoid: 1, Relu: 1, Mul: 1 });
    expect(graph.initializers).toHaveLength(1);
  });

  it('arithmetic on sizes that are known', async () => {
    const half = (x: tf.Tensor): tf.Tensor =>
      x
        .reshape([x.shape[0] ?? 1, (x.shape[1] ?? 1) / 2, (x.shape[2] ?? 1) * 2])
        .slice([0, 0, 1], [-1, -1, (x.shape[2] ?? 1) - 1]);
    expect((await exported(half, { inputs: [{ name: 'x', shape: ['batch', 4, 6] }] })).report.ops).toEqual({
      Reshape: 1,
      Slice: 1,
    });
    const { graph } = await exported(
      (x: tf.Tensor) =>
        tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2 * (x.shape[1] ?? 1), 2 * (x.shape[2] ?? 1)]),
      { inputs: [{ name: 'x', shape: ['batch', 'height', 'width', 3] }], layout: { inputs: 'nchw', outputs: 'nchw' } },
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Resize']);
  });

  it('a second copy of weights that are shared, or equal', async () => {
    const shared = tf.layers.conv2d({
      filters: 4,
      kernelSize: 3,
      padding: 'same',
      kernelInitializer: tf.initializers.randomNormal({ seed: 4 }),
    });
    const input = tf.input({ shape: [null, null, 4] });
    const model = tf.model({
      inputs: input,
      outputs: shared.apply(shared.apply(shared.apply(input))) as tf.SymbolicTensor,
    });
    const { report, graph } = await exported(model);
    expect(report.ops['Conv']).toBe(3);
    expect(graph.initializers.filter(({ dims }) => dims.length === 4)).toHaveLength(1);
  });
});
