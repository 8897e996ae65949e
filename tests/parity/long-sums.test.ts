// Sums and means of many floats, pools of infinity and whole divisions, as the file computes them. Reference: float64
// arithmetic by hand, and definitions.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { exportOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

/** The file's result for one input. `declared`: the shape it is exported with, if sizes are dynamic. */
async function run(
  fn: (x: tf.Tensor) => tf.Tensor,
  shape: number[],
  data: Float32Array | Int32Array,
  declared: (number | string)[] = shape,
): Promise<number[]> {
  const dtype = data instanceof Int32Array ? 'int32' : 'float32';
  const inputs = [{ name: 'x', dtype, shape: declared } as const];
  const { model } = await exportOnnx(fn, { inputs, verify: { runtime: onnx, seeds: 1 } });
  const session = await onnx.createSession(model);
  try {
    const { output } = await session.run({ x: { dtype, shape, data } });
    return Array.from(output?.data as Float32Array);
  } finally {
    await session.dispose();
  }
}

const tenths = (count: number): Float32Array => new Float32Array(count).fill(0.1);
const TENTH = Math.fround(0.1);

it.each<[string, number[], (x: tf.Tensor) => tf.Tensor, number, (number | string)[]?]>([
  ['a long list', [1_000_000], (x) => tf.sum(x), 1e6],
  ['a list of prime length', [999_983], (x) => tf.sum(x), 999_983],
  ['a mean of a list of prime length', [99_991], (x) => tf.mean(x), 1],
  ['a picture', [1, 512, 512, 1], (x) => tf.mean(x, [1, 2]), 1],
  ['a picture, channels last', [1, 300, 300, 3], (x) => tf.sum(x, [1, 2]), 90_000],
  ['a picture of dynamic size', [1, 512, 512, 1], (x) => tf.mean(x, [1, 2], true), 1, [1, 'h', 'w', 1]],
  ['columns', [70_000, 2], (x) => tf.sum(x, 0), 70_000],
  ['all of a batch', [8, 97, 103, 3], (x) => tf.sum(x), 8 * 97 * 103 * 3],
  ['all of long columns', [20_000, 2], (x) => tf.sum(x), 40_000],
  ['a mean of all of long columns', [20_011, 3], (x) => tf.mean(x), 1],
  ['the same, with kept axes', [20_011, 3], (x) => tf.mean(x, undefined, true), 1],
  ['one long column', [65_536, 1], (x) => tf.mean(x), 1],
  ['long columns of a dynamic number', [20_000, 3], (x) => tf.mean(x), 1, [20_000, 'n']],
  ['outer and inner axes', [5000, 2, 300], (x) => tf.sum(x, [0, 2]), 1_500_000],
  ['the last axes of three', [2, 20_000, 2], (x) => tf.sum(x, [1, 2]), 40_000],
  ['a pool as long as the picture', [1, 20_000, 2, 1], (x) => tf.avgPool(x as tf.Tensor4D, [20_000, 2], 1, 'valid'), 1],
  ['a pool as large as the picture', [1, 512, 512, 1], (x) => tf.avgPool(x as tf.Tensor4D, 512, 1, 'valid'), 1],
])('adds %s to within float32', async (_, shape, fn, times, declared) => {
  const result = await run(fn, shape, tenths(shape.reduce((a, b) => a * b)), declared);
  expect(result).toBeAllclose(new Array<number>(result.length).fill(TENTH * times), { rtol: 3e-5 });
});

it('a sum in parts adds every number once', async () => {
  // 0, 1, 2, … modulo 7, so that a number left out or added twice shows: float64 adds them exactly.
  const shape = [3, 10_007, 2];
  const x = Float32Array.from({ length: 3 * 10_007 * 2 }, (_, i) => i % 7);
  const column = (at: number): number[] => [...x].filter((_, i) => i % 2 === at);
  const expected = [0, 1].map((at) => column(at).reduce((a, b) => a + b, 0));
  expect(await run((v) => tf.sum(v, [0, 1]), shape, x)).toEqual(expected);
  expect(await run((v) => tf.mean(v, [0, 1], true), shape, x)).toBeAllclose(
    expected.map((sum) => sum / 30_021),
    { rtol: 1e-6 },
  );
});

it('a pool after a pad keeps infinity', async () => {
  const pool = (x: tf.Tensor): tf.Tensor =>
    tf.maxPool(
      tf.pad(x as tf.Tensor4D, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]),
      2,
      2,
      'valid',
    );
  const x = Float32Array.of(Infinity, -Infinity, -Infinity, -Infinity, -1, -Infinity, -Infinity, -Infinity, -Infinity);
  // Windows of the padded 5×5 picture: with zeros of the pad, except the last, which has only the picture's own.
  expect(await run(pool, [1, 3, 3, 1], x)).toEqual([Infinity, 0, 0, -1]);
});

it('a maximum over nothing but infinity and padding', async () => {
  const pool = (x: tf.Tensor): tf.Tensor =>
    tf.maxPool(x as tf.Tensor4D, 2, 1, [
      [0, 0],
      [2, 0],
      [2, 0],
      [0, 0],
    ]);
  expect(await run(pool, [1, 1, 1, 1], Float32Array.of(Infinity))).toEqual([-Infinity, -Infinity, -Infinity, Infinity]);
});

it('whole divisions round down near the ends of int32, and -2³¹ / -1 wraps around', async () => {
  const least = -(2 ** 31);
  const pairs = [
    [7, 2],
    [-7, 2],
    [7, -2],
    [-7, -2],
    [6, 3],
    [-6, 3],
    [least, 3],
    [least, -3],
    [least, 2],
    [least, -1],
    [2 ** 31 - 1, -2],
    [2 ** 31 - 1, 2],
    [least + 1, 2],
    [2 ** 31 - 1, least],
    [least, least],
    [0, -5],
  ];
  const halves = (x: tf.Tensor): [tf.Tensor, tf.Tensor] => [x.slice([0, 0], [-1, 1]), x.slice([0, 1], [-1, 1])];
  const expected = pairs.map(([a = 0, b = 0]) => Number(BigInt.asIntN(32, BigInt(Math.floor(a / b)))));
  for (const rows of [pairs, ...pairs.map((pair) => [pair])])
    expect(
      await run((x) => tf.floorDiv(...halves(x)).flatten(), [rows.length, 2], Int32Array.from(rows.flat()), ['n', 2]),
    ).toEqual(rows === pairs ? expected : [expected[pairs.indexOf(rows[0] ?? [])]]);
}, 60_000);

it('remainders near the ends of int32 have the divisor’s sign', async () => {
  const least = -(2 ** 31);
  const pairs = [
    [least, -1],
    [7, -1],
    [least, 3],
    [least + 1, 2],
    [7, -3],
    [-7, 3],
    [2 ** 31 - 1, least],
    [least, least],
  ];
  const rest = (x: tf.Tensor): tf.Tensor => tf.mod(x.slice([0, 0], [-1, 1]), x.slice([0, 1], [-1, 1])).flatten();
  const expected = pairs.map(([a = 0, b = 0]) => ((a % b) + b) % b || 0);
  expect(await run(rest, [pairs.length, 2], Int32Array.from(pairs.flat()))).toEqual(expected);
});

it('a quotient of floats that rounds up to a whole number is rounded down', async () => {
  const tenth = (x: tf.Tensor): tf.Tensor => tf.floorDiv(x, tf.scalar(0.1)).toFloat();
  const x = Float32Array.of(1, 2, 3, 0.05, -1, -0.05, 0);
  expect(await run(tenth, [7], x)).toEqual(Array.from(x, (v) => Math.floor(v / TENTH)));
});
