// Detection rate of verification: seeded faults in the files of networks and random models, and false alarms on the
// same files without faults.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mutate } from '../parity/support/mutation.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

it('flags 99 % of the faults that matter, and nothing that is right', async () => {
  const { alarms, missed, ...counts } = await mutate(1001, 1260, 3, onnx);
  console.log(
    JSON.stringify({
      ...counts,
      alarms: alarms.length,
      missed: missed.length,
      flagged: 1 - missed.length / counts.matter,
    }),
    missed.join('\n'),
  );
  expect(alarms).toEqual([]);
  expect(counts.clean).toBeGreaterThanOrEqual(200);
  expect(counts.matter).toBeGreaterThanOrEqual(400);
  expect(missed.length / counts.matter).toBeLessThanOrEqual(0.01);
});
