// Verification flags seeded faults that matter, and no file that is right. tests/full has more of them, with figures.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mutate } from './support/mutation.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

it('flags faults and nothing else', async () => {
  const { alarms, missed, clean, matter, kinds } = await mutate(1, 30, 2, onnx);
  expect([alarms, missed]).toEqual([[], []]);
  expect(clean).toBeGreaterThan(25);
  expect(matter).toBeGreaterThan(40);
  expect(Object.keys(kinds).length).toBeGreaterThan(10);
}, 300_000);
