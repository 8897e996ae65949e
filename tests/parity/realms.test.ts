// Arrays, errors and functions of another realm, as in Jest, vitest's vmThreads and frames, given to the trainer: they
// count as what they are.
import { createContext, runInContext } from 'node:vm';
import { classOf, type Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { exportOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

const realm = createContext({});
/** The same values in an array of the other realm. */
const foreign = <T extends ArrayBufferView>(array: T): T => {
  const made = runInContext(`(values) => new ${classOf(array)}(values)`, realm) as (values: T) => T;
  const other = made(array);
  expect(other instanceof Object).toBe(false);
  return other;
};

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

const inputs = [{ name: 'x', shape: ['batch', 2] }];

it('exports constants, and refuses NaN in them', async () => {
  const constant = foreign(Float32Array.of(3, -4));
  const { model } = await exportOnnx((v: tf.Tensor) => v.mul(tf.tensor1d(constant)), {
    inputs,
    verify: { runtime: onnx, seeds: 1 },
  });
  await using session = await onnx.createSession(model);
  const x = { dtype: 'float32' as const, shape: [1, 2], data: foreign(Float32Array.of(2, 0.5)) };
  expect(Object.values(await session.run({ x }))[0]?.data).toEqual(Float32Array.of(6, -2));

  const bad = foreign(Float32Array.of(1, NaN));
  const refused = exportOnnx((v: tf.Tensor) => v.mul(tf.tensor1d(bad)), { inputs, verify: false });
  await expect(refused).rejects.toMatchObject({
    code: 'model.format',
    message: expect.stringContaining('NaN') as unknown,
  });
});

it('names the line of an error', async () => {
  const filename = '/app/model.js';
  const fn = runInContext('() => {\n  throw new TypeError("no such layer"); }', realm, { filename }) as () => tf.Tensor;
  const refused = exportOnnx(fn, { inputs, verify: false });
  await expect(refused).rejects.toMatchObject({
    code: 'export.unsupported',
    message: expect.stringMatching(/^trace, at \/app\/model\.js:2:9: .*: no such layer$/) as unknown,
  });
});
