// All passes together, on whole networks and random programs: the numbers stay, and only the needed calls remain.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../program/program.js';
import { ganFeeds, ganInputs, testGan, type TestGan } from '../trace/testing/gan.js';
import { trace } from '../trace/trace.js';
import { attributeKey } from '../program/attribute-key.js';

import { optimize } from './optimize.js';
import { replay, type ReplayFeeds } from '../program/replay.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const count = (program: Program, kernel: string, layer?: RegExp): number =>
  program.calls.filter((call) => call.kernel === kernel && (layer === undefined || layer.test(call.layer ?? '')))
    .length;

function stepFeeds(variables: Map<string, tf.Variable>): ReplayFeeds {
  return {
    ...ganFeeds(3),
    ...Object.fromEntries([...variables].map(([name, variable]) => [name, { data: variable.dataSync() }])),
  };
}

/** The program gives the numbers of `before`, in its order. */
function expectSame(
  program: Program,
  before: Program,
  feeds: ReplayFeeds,
  tolerance: { rtol: number; atol: number },
): void {
  const [expected, received] = [replay(before, feeds), replay(program, feeds)];
  expect(Object.keys(received)).toEqual(Object.keys(expected));
  for (const [name, { data, shape, dtype }] of Object.entries(expected)) {
    expect(received[name]).toMatchObject({ shape, dtype });
    expect(received[name]?.data, name).toBeAllclose(data, tolerance);
  }
}

/** Every value that a call reads is an input, a constant or made by an earlier call. */
function expectOrdered({ inputs, constants, calls, outputs }: Program): void {
  const made = new Set([...inputs.map((input) => input.value), ...constants.keys()]);
  for (const call of calls) {
    for (const id of Object.values(call.inputs).flat()) expect(made.has(id), `${call.kernel} reads %${id}`).toBe(true);
    for (const id of call.outputs) {
      expect(made.has(id), `%${id} is made twice`).toBe(false);
      made.add(id);
    }
  }
  for (const { value } of outputs) expect(made.has(value)).toBe(true);
}

describe('optimize', () => {
  const gan: TestGan = testGan();
  const { program, variables } = trace(gan.step, { inputs: ganInputs(3), variables: 'state', known: gan.variables });
  const optimized = optimize(program);

  it('keeps what a GAN step computes', () => {
    expectSame(optimized, program, stepFeeds(variables), { rtol: 2e-5, atol: 1e-6 });
    expectOrdered(optimized);
  });

  it('runs the generator forward once a step, and each discriminator once on each input', () => {
    expect(count(program, 'Conv2DBackpropInput', /conv2d_transpose/)).toBe(4);
    expect(count(optimized, 'Conv2DBackpropInput', /conv2d_transpose/)).toBe(2);
    // the generator's dense layer, and the discriminator's on real, fake, and fake once updated
    expect(count(optimized, '_FusedMatMul')).toBe(4);
    expect(count(optimized, 'FusedConv2D')).toBe(6);
    expect(count(optimized, 'Tanh')).toBe(1);
    const products = optimized.calls.filter((call) => call.kernel === '_FusedMatMul');
    expect(products.map((call) => optimized.values[call.outputs[0] ?? 0]?.shape.length)).toEqual([2, 2, 2, 2]);
    expect(optimized.inputs.map((input) => input.value)).toEqual(
      expect.arrayContaining(products.slice(0, 3).map((call) => call.inputs['b'])),
    ); // weights are read as they are kept
  });

  it('differentiates only what is updated', () => {
    expect(count(optimized, 'Conv2DBackpropFilter')).toBe(2 * 2 + 2); // two filters of D on real and fake, two of G
    // Back through D's second conv on real and fake, through both for G; never to the pictures of D's own step.
    expect(count(optimized, 'Conv2DBackpropInput') - 2).toBe(2 + 2);
    expect(count(optimized, 'Conv2D')).toBe(2); // back through G's transposed convs, down to its dense layer
    for (const kernel of ['Identity', 'Tile', 'Cast', 'Fill', 'Transpose', 'ZerosLike', 'OnesLike'])
      expect(count(optimized, kernel), kernel).toBe(0);
  });

  it("sums over pictures no more than batch norm's compact gradient needs", () => {
    const sums = optimized.calls.filter(
      (call) =>
        call.kernel === 'Sum' && optimized.values[Object.values(call.inputs).flat()[0] ?? 0]?.shape.length === 4,
    );
    // Two for each batch norm differentiated (D: real, fake, updated; G: two), one for each bias of a convolution that
    // is updated (D: real, fake; G: one).
    expect(sums).toHaveLength(2 * 5 + 3);
  });

  it('is a fixed point, and the same every time', () => {
    const key = ({ calls }: Program): string[] =>
      calls.map((call) => `${call.kernel} ${attributeKey(call.inputs)} ${attributeKey(call.attrs)}`);
    expect(key(optimize(program))).toEqual(key(optimized));
    expect(optimize(optimized).calls.map((call) => call.kernel)).toEqual(optimized.calls.map((call) => call.kernel));
  });

  it("keeps a generator's numbers to the rounding of folded batch norms", () => {
    const forward = trace(({ z }) => ({ image: gan.generator.apply(z as tf.Tensor) as tf.Tensor }), {
      inputs: [{ name: 'z', dtype: 'float32', shape: [3, 6] }],
      variables: 'constant',
    }).program;
    const small = optimize(forward);
    expectSame(small, forward, { z: { data: ganFeeds(3)['z']?.data ?? [] } }, { rtol: 1e-5, atol: 1e-6 });
    expect(small.calls.map((call) => call.kernel).filter((kernel) => kernel !== 'Reshape')).toEqual([
      '_FusedMatMul',
      'Relu',
      'Conv2DBackpropInput',
      'Relu',
      'Conv2DBackpropInput',
      'Tanh',
    ]); // untrained: every bias is zero, and gone
  });
});

/** A seeded random number generator, so that a failing program can be made again. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** A random function of three tensors, built from the calls that passes look for. */
function randomFunction(seed: number): (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor> {
  return ({ x, y, row }) => {
    const roll = dice(seed);
    const pool = [x, y, row] as tf.Tensor[];
    const pick = (): tf.Tensor => pool[roll(pool.length)] as tf.Tensor;
    const full = (): tf.Tensor => tf.add(pick(), tf.zeros([2, 3, 4])).reshape([2, 3, 4]);
    const ops: (() => tf.Tensor)[] = [
      () => pick().add(pick()),
      () => pick().mul(pick()),
      () => pick().sub(pick()),
      () => pick().neg(),
      () => pick().relu(),
      () => pick().sigmoid(),
      () => pick().clone(),
      () => pick().mul(roll(3)),
      () => pick().add(roll(2)),
      () => full().mul(tf.ones([2, 3, 4])),
      () => tf.tile(pick().mean().reshape([1, 1, 1]), [2, 3, 4]),
      () => full().sum([roll(3)], true),
      () => full().mean([0, 1]),
      () => full().transpose([0, 2, 1]).transpose([0, 2, 1]),
      () => full().reshape([6, 4]).reshape([2, 3, 4]),
      () => full().sub(full().mean([0, 1])),
      () => tf.tensor1d([1, 2, 3, 4]).square().mul(roll(2)),
      () => tf.concat(tf.split(full(), 2, 2).reverse(), 2),
      () => tf.zerosLike(pick()),
      () => tf.grad((t) => tf.sum(tf.tanh(t.mul(0.5))))(pick()),
      () => tf.maximum(pick(), 0.1),
      () => full().sum([0, 1]).div(6),
    ];
    for (let i = 0; i < 24; i++) pool.push(tf.clipByValue((ops[roll(ops.length)] as () => tf.Tensor)(), -4, 4));
    return Object.fromEntries(pool.slice(-3).map((t, i) => [`out${i}`, t]));
  };
}

describe('random programs', () => {
  it('compute the same after all passes', () => {
    const wave = (n: number, phase: number): Float32Array =>
      Float32Array.from({ length: n }, (_, i) => Math.sin(i * 2.1 + phase));
    const feeds = { x: { data: wave(24, 0) }, y: { data: wave(24, 1) }, row: { data: wave(4, 2) } };
    const inputs = [
      ['x', [2, 3, 4]],
      ['y', [2, 3, 4]],
      ['row', [4]],
    ].map(([name, shape]) => ({ name: name as string, dtype: 'float32' as const, shape: shape as number[] }));
    let removed = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const { program } = trace(randomFunction(seed), { inputs, variables: 'constant' });
      const optimized = optimize(program);
      removed += program.calls.length - optimized.calls.length;
      expectOrdered(optimized);
      expectSame(optimized, program, feeds, { rtol: 1e-4, atol: 1e-5 });
    }
    expect(removed).toBeGreaterThan(60 * 20);
  });
});
