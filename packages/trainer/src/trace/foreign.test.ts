// Tensors on other backends: weights on wasm stay there. Graph models, which read shapes that they compute, can be
// traced.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { align } from '../rewrite/align.js';
import { optimize } from '../rewrite/optimize.js';
import { replay } from '../program/replay.js';
import { dataInfo } from '../tfjs/engine.js';
import { trace, type Trace } from './trace.js';

beforeAll(async () => {
  expect(await tf.setBackend('wasm')).toBe(true);
});
afterAll(async () => {
  await tf.setBackend('cpu');
});

const DATA = Float32Array.from({ length: 12 }, (_, i) => Math.cos(i));

describe('a model on wasm', () => {
  it('is traced, optimized and replayed on cpu without a weight leaving wasm', () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'sigmoid' }), tf.layers.batchNormalization()],
    });
    const x = tf.tensor2d(DATA, [3, 4]);
    const expected = (model.predict(x) as tf.Tensor).dataSync();
    const wasm = tf.backend();
    const before = tf.memory().numTensors;
    for (const variables of ['state', 'constant'] as const) {
      const t = trace((inputs) => ({ y: tf.add(model.apply(inputs['x'] as tf.Tensor) as tf.Tensor, tf.sum(x)) }), {
        inputs: [{ name: 'x', dtype: 'float32', shape: [3, 4] }],
        variables,
      });
      const feeds = { x: { data: DATA }, ...Object.fromEntries([...t.variables].map(([name, v]) => [name, v])) };
      const shift = DATA.reduce((a, b) => a + b, 0);
      expect(replay(optimize(t.program), feeds, { backend: 'cpu' })['y']?.data).toBeAllclose(
        Float32Array.from(expected, (v) => v + shift),
        { rtol: 1e-5, atol: 1e-5 },
      );
    }
    expect(tf.getBackend()).toBe('wasm');
    for (const weight of model.weights) expect(dataInfo(weight.read().dataId)?.backend, weight.name).toBe(wasm);
    expect(dataInfo(x.dataId)?.backend).toBe(wasm);
    expect(tf.memory().numTensors).toBe(before);
    expect((model.predict(x) as tf.Tensor).dataSync()).toEqual(expected);
    model.dispose();
  });
});

/** y = reshape(relu(x·w), [shape(x)[0], -1, 1]), its shape computed in the graph, as converted Keras models do. */
async function graphModel(): Promise<tf.GraphModel> {
  const int = (i: number): object => ({ i: String(i) });
  const node = (name: string, op: string, input: string[], attr: object = {}): object => ({ name, op, input, attr });
  const float = { type: 'DT_FLOAT' };
  const constant = (name: string): object =>
    node(name, 'Const', [], { dtype: name === 'w' ? float : { type: 'DT_INT32' } });
  const ints = ['zero', 'one', 'rest', 'last'];
  const nodes = [
    node('x', 'Placeholder', [], { dtype: float, shape: { shape: { dim: [{ size: '-1' }, { size: '4' }] } } }),
    constant('w'),
    ...ints.map(constant),
    node('product', 'MatMul', ['x', 'w'], { transpose_a: { b: false }, transpose_b: { b: false }, T: float }),
    node('relu', 'Relu', ['product']),
    node('shape', 'Shape', ['x']),
    node('batch', 'StridedSlice', ['shape', 'zero', 'one', 'one'], {
      shrink_axis_mask: int(1),
      begin_mask: int(0),
      end_mask: int(0),
      ellipsis_mask: int(0),
      new_axis_mask: int(0),
    }),
    node('target', 'Pack', ['batch', 'rest', 'last'], { axis: int(0), N: int(3) }),
    node('y', 'Reshape', ['relu', 'target']),
  ];
  const weights = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const data = new Uint8Array(96 + 16);
  data.set(new Uint8Array(weights.buffer));
  data.set(new Uint8Array(Int32Array.of(0, 1, -1, 2).buffer), 96);
  const specs = [
    { name: 'w', shape: [4, 6], dtype: 'float32' as const },
    ...ints.map((name) => ({ name, shape: name === 'rest' || name === 'last' ? [] : [1], dtype: 'int32' as const })),
  ];
  return tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: { node: nodes, versions: {} },
      format: 'graph-model',
      weightSpecs: specs,
      weightData: data.buffer,
    }),
  );
}

describe('a graph model', () => {
  it('traces, though it reads the shape it computed, and aligns to any batch', async () => {
    const model = await graphModel();
    const at = (batch: number): Trace =>
      trace(({ x }) => ({ y: model.predict(x as tf.Tensor) as tf.Tensor }), {
        inputs: [{ name: 'x', dtype: 'float32', shape: [batch, 4] }],
        variables: 'constant',
      });
    const program = optimize(align([5, 7].map((batch) => ({ program: at(batch).program, sizes: { batch } }))));
    expect(program.calls.map((call) => call.kernel)).toEqual(['BatchMatMul', 'Relu', 'Reshape']);
    const x = tf.tensor2d(DATA, [3, 4]);
    const expected = model.predict(x) as tf.Tensor;
    expect(expected.shape).toEqual([3, 3, 2]);
    const result = replay(program, { x }, { sizes: { batch: 3 }, backend: 'cpu' })['y'];
    expect(result?.shape).toEqual([3, 3, 2]);
    expect(result?.data).toBeAllclose(expected.dataSync(), { rtol: 1e-5, atol: 1e-6 });
    tf.dispose([x, expected]);
    model.dispose();
  });

  it('leaves no tensor behind, on or off the tape', async () => {
    const model = await graphModel();
    const inputs = [{ name: 'x', dtype: 'float32' as const, shape: [5, 4] }];
    const run = (): Trace =>
      trace(({ x }) => ({ g: tf.grad((v) => tf.sum(model.predict(v) as tf.Tensor))(x as tf.Tensor) }), {
        inputs,
        variables: 'constant',
      });
    run();
    const before = tf.memory().numTensors;
    expect(run().program.calls.length).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});
