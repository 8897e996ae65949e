// Calls on which tfjs's own kernels go wrong (packages/trainer/src/tfjs/mended.ts): the exported file, the compiled
// step and the eager step give what TensorFlow and NumPy give. References: values by hand, and the formula in float64.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { compile, eagerStep, exportOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

type Fn = (x: tf.Tensor) => tf.Tensor;

/** The numbers of file, compiled step and eager step. */
async function everywhere(fn: Fn, shape: number[], data: readonly number[]): Promise<number[][]> {
  const x = Float32Array.from(data);
  const { model, report } = await exportOnnx(fn, {
    inputs: [{ name: 'x', shape: ['n', ...shape.slice(1)] }],
    verify: { runtime: onnx },
  });
  expect(report.verified).toBe('passed');
  const session = await onnx.createSession(model);
  const { output } = await session.run({ x: { dtype: 'float32', shape, data: x } });
  await session.dispose();
  const step = (feeds: Record<string, tf.Tensor>): Record<string, tf.Tensor> => ({ y: fn(feeds['x'] as tf.Tensor) });
  const steps = [
    await compile(step, { inputs: { x: { shape } }, runtime: onnx }),
    eagerStep(step, { inputs: { x: { shape } } }),
  ];
  const results = [Array.from(output?.data as Float32Array)];
  for (const one of steps) {
    results.push(Array.from((await one.run({ x }))['y']?.data as Float32Array));
    await one.dispose();
  }
  return results;
}

const TWELVE = Array.from({ length: 12 }, (_, i) => i + 1);

it.each<[string, Fn, number[]]>([
  ['cumsum', (x) => tf.cumsum(x, -1), [1, 3, 6, 10, 5, 11, 18, 26, 9, 19, 30, 42]],
  ['cumsum of all before', (x) => tf.cumsum(x, -2, true), [0, 0, 0, 0, 1, 2, 3, 4, 6, 8, 10, 12]],
  ['cumprod', (x) => tf.cumprod(x, -1, false, true), [24, 24, 12, 4, 1680, 336, 56, 8, 11880, 1320, 132, 12]],
  // Σ over an index of one operand: rows sum to 10, 26, 42
  ['einsum', (x) => tf.einsum('abc,abd->ab', x, tf.onesLike(x)), [40, 104, 168]],
  ['einsum of a sum', (x) => tf.einsum('abc,d->ad', x, tf.tensor1d([1, -2])), [78, -156]],
  ['einsum of itself', (x) => tf.add(tf.einsum('abc->abc', x), 1), TWELVE.map((value) => value + 1)],
  // x[:, 0::2, -1], x[:, 2, ::-2] and x[:, -2, 1:, newaxis]
  ['a column of every second row', (x) => tf.stridedSlice(x, [0, 0, -1], [0, 3, 0], [1, 2, 1], 1, 1, 0, 0, 4), [4, 12]],
  [
    'every second of a row, backwards',
    (x) => tf.stridedSlice(x, [0, 2, 3], [0, 0, 0], [1, 1, -2], 1, 5, 0, 0, 2),
    [12, 10],
  ],
  [
    'a row counted from the back, every second number, with a new axis',
    (x) => tf.stridedSlice(x, [0, -2, 1, 0], [0, 0, 4, 0], [1, 1, 2, 1], 1, 1, 0, 8, 2),
    [6, 8],
  ],
])('%s', async (_, fn, expected) => {
  expect(await everywhere(fn, [1, 3, 4], TWELVE)).toEqual([expected, expected, expected]);
});

it('batch norm along another axis than the last', async () => {
  const [shape, rows] = [
    [2, 3, 2, 2],
    [0, 1, 2],
  ];
  const weights = { gamma: [0.5, 1, 2], beta: [3, -1, 0.25], mean: [0.1, -0.4, 0.8], variance: [0.5, 1.5, 0.2] };
  const layer = tf.layers.batchNormalization({ axis: 1, epsilon: 1e-3 });
  const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: shape.slice(1) }), layer] });
  layer.setWeights(Object.values(weights).map((values) => tf.tensor1d(values)));
  const x = Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const normed = x.map((value, i) => {
    const row = rows[Math.floor(i / 4) % 3] ?? 0;
    const [g = 0, b = 0, m = 0, v = 1] = Object.values(weights).map((values) => values[row]);
    return (g * (value - m)) / Math.sqrt(v + 1e-3) + b;
  });
  for (const found of await everywhere((t) => model.apply(t) as tf.Tensor, shape, x))
    expect(found).toBeAllclose(normed, { rtol: 1e-5, atol: 1e-6 });
});
