// One eager training step of our systems against PyTorch in float64 (tests/vectors), with Forja's gradients.
import { phaseStep, withGradients } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { CASES, expectVectors, feedsOf, systemOf } from './support/step-vectors.js';

test.each(CASES)('%s: one eager step is PyTorch float64’s, and leaves no tensor behind', (name) => {
  const before = tf.memory().numTensors;
  const { system, vectors } = systemOf(name);
  const made = tf.memory().numTensors;
  const values = new Map<string, Float32Array>();
  const losses = tf.tidy(() => {
    const feeds = Object.fromEntries(
      Object.entries(feedsOf(vectors)).map(([key, { data, shape }]) => [key, tf.tensor(data, shape)]),
    );
    return Object.fromEntries(
      Object.entries(withGradients(() => phaseStep(system).step(feeds))).map(([key, loss]) => [
        key,
        loss.dataSync()[0] ?? NaN,
      ]),
    );
  });
  expect(tf.memory().numTensors).toBe(made);
  // all are float32
  for (const variable of system.variables) values.set(variable.name, variable.dataSync() as Float32Array);
  expect(values.size, 'names are unique').toBe(system.variables.length);
  expectVectors(vectors, losses['loss_d'] ?? NaN, losses['loss_g'] ?? NaN, (key) => values.get(key) ?? []);
  for (const [key, { initial, updated }] of Object.entries(vectors.variables)) {
    if (!key.startsWith('g/')) continue;
    // warm-up: the first decay is 1 / 10
    const average = initial.data.map((x, i) => 0.1 * x + 0.9 * (updated.data[i] ?? NaN));
    expect(values.get(`average/${key}`) ?? [], `average of ${key}`).toBeAllclose(average, {
      rtol: 1e-5,
      atol: 1e-6,
    });
  }
  system.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
