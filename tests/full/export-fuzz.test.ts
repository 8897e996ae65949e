// exportOnnx of a thousand seeded random models: equal to tfjs, or (few) refused clearly.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkSeed } from '../parity/support/fuzz.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

it('random models of seeds 121 to 1120', async () => {
  const counts = { equal: 0, refused: 0, 'passed over': 0 };
  for (let seed = 121; seed <= 1120; seed++) counts[await checkSeed(seed, onnx)]++;
  expect(counts.equal).toBeGreaterThan(900);
  expect(counts.refused).toBeLessThan(10);
});
