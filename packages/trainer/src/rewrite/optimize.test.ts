// The passes together on whole networks: the same numbers as before them, and only the calls that are needed.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { printProgram, type Program } from '../trace/program.js';
import { ganFeeds, ganInputs, testGan, type TestGan } from '../trace/testing/gan.js';
import { trace } from '../trace/trace.js';
import { optimize } from './optimize.js';
import { replay, type ReplayFeeds } from './replay.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const counts = (program: Program): Record<string, number> => {
  const result: Record<string, number> = {};
  for (const { kernel } of program.calls) result[kernel] = (result[kernel] ?? 0) + 1;
  return result;
};

function stepFeeds(gan: TestGan, variables: Map<string, tf.Variable>): ReplayFeeds {
  const state = Object.fromEntries([...variables].map(([name, variable]) => [name, { data: variable.dataSync() }]));
  return { ...ganFeeds(3), ...state };
}

describe('optimize', () => {
  it('keeps what a GAN step computes and runs the generator forward once', () => {
    const gan = testGan();
    const { program, variables } = trace(gan.step, { inputs: ganInputs(3), variables: 'state', known: gan.variables });
    const start = performance.now();
    const optimized = optimize(program);
    console.log(performance.now() - start, program.calls.length, optimized.calls.length, counts(optimized));
    console.log('%s', printProgram(optimized));
    const feeds = stepFeeds(gan, variables);
    const [before, after] = [replay(program, feeds), replay(optimized, feeds)];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, { data }] of Object.entries(before)) expect(after[name]?.data, name).toBeAllclose(data, { rtol: 1e-4, atol: 1e-6 });
    gan.dispose();
  });
});
