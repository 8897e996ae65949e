// exportOnnx of random models by seed. tests/full has more of them.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sweep } from '../sweeps.js';
import { checkSeed, type Outcome } from './support/fuzz.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

for (const from of sweep([1, 41, 81], [1])) {
  it(`random models of seeds ${from} to ${from + 39}`, async () => {
    const outcomes: Outcome[] = [];
    for (let seed = from; seed < from + 40; seed++) outcomes.push(await checkSeed(seed, onnx));
    expect(outcomes).not.toContain('refused');
    expect(outcomes.filter((outcome) => outcome === 'equal').length).toBeGreaterThan(30);
  });
}
