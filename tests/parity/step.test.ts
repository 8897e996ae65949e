// The compiled step: one step against PyTorch in float64 (tests/vectors), three against the same step in tfjs eager, and what its graph consists of.
import { compile, eagerStep, scalarOf, type CompiledStep, type StepState } from '@forja/trainer';
import { runtime } from '@forja/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Runtime } from '@forja/core';
import { CASES, expectVectors, feedsOf, systemOf } from './support/step-vectors.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

describe('against PyTorch', () => {
  test.each(CASES)('%s: one compiled step is PyTorch float64’s', async (name) => {
    const { system, vectors } = systemOf(name);
    const { random: _, ...z } = system.inputs['z'] ?? { shape: [] };
    const step = await compile(system.step, { inputs: { ...system.inputs, z }, variables: system.variables, runtime: host });
    const results = await step.run(feedsOf(vectors));
    const state = await step.state();
    console.log(name, step.summary, state && Object.keys(state).length);
    expectVectors(vectors, scalarOf(results, 'loss_d'), scalarOf(results, 'loss_g'), (key) => valuesOf(state, key));
    await step.dispose();
    system.dispose();
  });
});

function valuesOf(state: StepState, name: string): Float32Array {
  const data = state[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`no float32 state '${name}'`);
  return data;
}
