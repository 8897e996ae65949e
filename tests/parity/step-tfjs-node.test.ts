// The eager engine on @tensorflow/tfjs-node: one step against PyTorch if its native binding loads (node
// scripts/tfjs-node.mjs builds it), else that the reason is reported and plain tfjs stays in use.
import { eagerStep, phaseStep, scalarOf } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useTfjsNode } from '../../packages/trainer/src/node/tfjs-node.js';
import { CASES, expectVectors, feedsOf, systemOf } from './support/step-vectors.js';

let reason: string | undefined;
beforeAll(async () => {
  reason = await useTfjsNode();
  console.info(reason ?? 'step-tfjs-node: the step runs on @tensorflow/tfjs-node');
});
afterAll(() => tf.setBackend('cpu'));

test('the backend is tfjs-node’s, or the reason names the way out', () => {
  if (reason === undefined) expect(tf.getBackend()).toBe('tensorflow');
  else {
    expect(reason).toMatch(
      /^engine 'tfjs': @tensorflow\/tfjs-node cannot be used \(.+\); .*node scripts\/tfjs-node\.mjs/,
    );
    expect(tf.getBackend()).toBe('cpu');
  }
});

describe('the eager engine on the present backend', () => {
  test.each(CASES)('%s: one step is PyTorch float64’s', async (name) => {
    const { system, vectors } = systemOf(name);
    const { random: _, ...z } = phaseStep(system).inputs['z'] ?? { shape: [] };
    const step = eagerStep(phaseStep(system).step, {
      inputs: { ...phaseStep(system).inputs, z },
      variables: system.variables,
    });
    const results = await step.run(feedsOf(vectors));
    const state = await step.state();
    expectVectors(
      vectors,
      scalarOf(results, 'loss_d'),
      scalarOf(results, 'loss_g'),
      (key) => (state[key]?.data ?? new Float32Array(0)) as Float32Array,
    ); // all are float32
    await step.dispose();
    system.dispose();
  });
});
