// Verification detects injected faults that matter, and accepts right files. tests/full has more, with statistics.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FULL } from '../sweeps.js';
import { mutate } from './support/mutation.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

it('flags faults and nothing else', async () => {
  const [models, least] = FULL ? [30, { clean: 25, matter: 40, kinds: 10 }] : [8, { clean: 6, matter: 10, kinds: 7 }];
  const { alarms, missed, clean, matter, kinds } = await mutate(1, models, 2, onnx);
  expect([alarms, missed]).toEqual([[], []]);
  expect(clean).toBeGreaterThan(least.clean);
  expect(matter).toBeGreaterThan(least.matter);
  expect(Object.keys(kinds).length).toBeGreaterThan(least.kinds);
}, 900_000);
