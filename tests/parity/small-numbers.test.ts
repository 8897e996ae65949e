// Exported kernels where tfjs, float64 and the file are easily told apart: small arguments, infinite bounds, integers,
// signs of zero. Reference: Math's functions in float64, and integers by hand.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { exportOnnx, type InputOption } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

async function run(fn: (x: tf.Tensor) => tf.Tensor, x: Float32Array | Int32Array): Promise<number[]> {
  const dtype = x instanceof Int32Array ? 'int32' : 'float32';
  const inputs: InputOption[] = [{ name: 'x', dtype, shape: ['n'] }];
  const { model } = await exportOnnx(fn, { inputs, verify: { runtime: onnx, seeds: 1 } });
  const session = await onnx.createSession(model);
  try {
    const { output } = await session.run({ x: { dtype, shape: [x.length], data: x } });
    return Array.from(output?.data as Float32Array);
  } finally {
    await session.dispose();
  }
}

const SMALL = [1e-30, 1e-20, 1e-10, 1e-8, 1e-7, 1e-5, 1e-3, 0.1, 0.5, 0.999].flatMap((x) => [x, -x]);

it('log1p keeps the digits of small arguments, and its ends', async () => {
  const x = Float32Array.from([...SMALL, 1, 1.5, 3, 1e10, 3e38, Infinity, -1, 0]);
  const expected = Array.from(x, Math.log1p);
  expect(await run(tf.log1p, x)).toBeAllclose(expected, { rtol: 5e-7 });
  expect(await run(tf.log1p, Float32Array.of(-1.5, NaN, -Infinity))).toEqual([NaN, NaN, NaN]);
});

it('expm1 keeps the digits of small arguments, and its ends', async () => {
  const x = Float32Array.from([...SMALL, 1, -1, 5, -5, 20, -20, 80, -80, -Infinity, Infinity, 0]);
  expect(await run(tf.expm1, x)).toBeAllclose(Array.from(x, Math.expm1), { rtol: 1e-6 });
  expect(await run(tf.expm1, Float32Array.of(NaN))).toEqual([NaN]);
});

it('a clip without a bound on one side keeps infinity there', async () => {
  const x = Float32Array.of(-Infinity, -2, 0, 2, Infinity);
  expect(await run((v) => tf.clipByValue(v, -Infinity, 1), x)).toEqual([-Infinity, -2, 0, 1, 1]);
  expect(await run((v) => tf.clipByValue(v, -1, Infinity), x)).toEqual([-1, -1, 0, 2, Infinity]);
});

it('products of integer matrices, transposed ones too', async () => {
  const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2], 'int32');
  const rows = (v: tf.Tensor): tf.Tensor2D => v.reshape([-1, 3]);
  const x = Int32Array.of(1, 0, 2, -1, 3, 0);
  expect(await run((v) => tf.matMul(rows(v), table), x)).toEqual([11, 14, 8, 10]);
  expect(await run((v) => tf.matMul(table, rows(v), true, true), x)).toEqual([11, 8, 14, 10]);
});

/** A function of two operands, which the input holds in turn. */
const ofPairs =
  (fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
  (v: tf.Tensor): tf.Tensor => {
    const [a, b] = tf.unstack(tf.reshape(v, [-1, 2]), 1) as [tf.Tensor, tf.Tensor];
    return fn(a, b);
  };

it('integers divided by 0, and what is left of them, are 0', async () => {
  const x = Int32Array.of(7, 0, -7, 3, 7, -3, -(2 ** 31), -1, -5, 2, 0, 0);
  expect(await run(ofPairs(tf.floorDiv), x)).toEqual([0, -3, -3, -(2 ** 31), -3, 0]);
  expect(await run(ofPairs(tf.mod), x)).toEqual([0, 2, -2, 0, 1, 0]);
});

it('floats that no integer holds become 0, as NaN and infinity do in tfjs', async () => {
  const x = Float32Array.of(NaN, Infinity, -Infinity, 3e9, -1e30, 2 ** 31 - 128, -(2 ** 31), -1.9, 0.9);
  const expected = [0, 0, 0, 0, 0, 2 ** 31 - 128, -(2 ** 31), -1, 0];
  expect(await run((v) => tf.cast(v, 'int32'), x)).toEqual(expected);
  expect(await run((v) => tf.floorDiv(tf.onesLike(v), v), Float32Array.of(0, -0, 0.4))).toEqual([0, 0, 2]);
});

it('angles on the axes have the sign of zero', async () => {
  const parts = [0, -0, 1, -1, NaN];
  const pairs = parts.flatMap((y) => parts.map((x) => [y, x]));
  const angles = await run(ofPairs(tf.atan2), Float32Array.from(pairs.flat()));
  expect(angles).toBeAllclose(
    pairs.map(([y = 0, x = 0]) => Math.atan2(y, x)),
    { rtol: 1e-6, atol: 0 },
  );
});

it.each<[string, (x: tf.Tensor) => tf.Tensor]>([
  ['a sum', (x) => tf.add(tf.greater(x, 0), tf.less(x, 1))],
  ['a difference', (x) => tf.sub(tf.greater(x, 0), tf.less(x, 1))],
  ['a quotient', (x) => tf.div(tf.greater(x, 0), tf.less(x, 1))],
])('%s of bools is refused, because it is none', async (_, fn) => {
  const options = { inputs: [{ name: 'x', shape: ['n'] }], verify: false as const };
  await expect(exportOnnx(fn, options)).rejects.toRefuse('export.unsupported', 'bool', 'small-numbers.test');
});
