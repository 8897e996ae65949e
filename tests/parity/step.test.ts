// The compiled step: one step against PyTorch in float64 (tests/vectors), three against the same step in tfjs eager,
// and what its graph consists of.
import { runtime } from '@forja/node';
import type { Runtime, TensorSpec } from '@forja/core';
import { decodeModel } from '@forja/core/onnx';
import {
  applyUpdates,
  compile,
  dcgan,
  eagerStep,
  mlpGan,
  phaseStep,
  random,
  rmsprop,
  scalarOf,
  type CompiledStep,
  type Feed,
  type GanSystem,
  type StepFunction,
  type StepState,
} from '@forja/trainer';
import { compile as compileInNode } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES, expectVectors, feedsOf, systemOf } from './support/step-vectors.js';

let host: Runtime;
/** Further runtimes, for steps with separate state. */
let others: Runtime[];
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
  others = [1, 2].map(() => runtime({ device: 'cpu', threads: 1, executor: 'inline' }));
});
afterAll(async () => void (await Promise.all([host, ...others].map((one) => one.dispose()))));

function valuesOf(state: StepState, name: string): Float32Array {
  const data = state[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`no float32 state '${name}'`);
  return data;
}

/** Numbers in [-1, 1) without our random generator. */
function spread(count: number, phase: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => 2 * ((((i + 1) * 0.754877666 + phase * 0.569840291) % 1) - 0.5),
  );
}

function feedsAt(system: GanSystem, step: number): Record<string, Feed> {
  const { shape } = phaseStep(system).inputs['real'] ?? { shape: [] };
  return {
    real: spread(
      shape.map(Number).reduce((a, b) => a * b, 1),
      step,
    ),
    rate_g: 2e-3,
    rate_d: [1e-3],
  };
}

async function three(step: CompiledStep, system: GanSystem): Promise<{ losses: number[]; state: StepState }> {
  const losses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const results = await step.run(feedsAt(system, i));
    losses.push(scalarOf(results, 'loss_d'), scalarOf(results, 'loss_g'));
  }
  return { losses, state: await step.state() };
}

/** Largest difference, as a fraction of the largest magnitude. */
function maxDifference(a: Float32Array, b: Float32Array): number {
  const most = b.reduce((m, x) => Math.max(m, Math.abs(x)), 1e-30);
  return b.reduce((m, x, i) => Math.max(m, Math.abs(x - (a[i] ?? NaN)) / most), 0);
}

type Outcome = Awaited<ReturnType<typeof three>>;

/** Losses, weights, moments, statistics, averages and counters, each within 1e-4 of its own size. */
function expectEqual(compiled: Outcome, eager: Outcome): void {
  expect(compiled.losses).toBeAllclose(eager.losses, { rtol: 1e-5 });
  expect(Object.keys(compiled.state).sort()).toEqual(Object.keys(eager.state).sort());
  const off = Object.keys(eager.state).map((key): [string, number] => [
    key,
    maxDifference(valuesOf(compiled.state, key), valuesOf(eager.state, key)),
  ]);
  expect(off.filter(([, difference]) => !(difference <= 1e-4))).toEqual([]);
}

/**
 * Three steps of each engine from the same state. The eager engine works on the system's own variables, the compiled
 * one on copies.
 */
async function bothEngines(system: GanSystem, lowering: Lowering): Promise<Record<'compiled' | 'eager', Outcome>> {
  const { step: play, inputs, variables = [] } = phaseStep(system);
  const step = await compile(play, { inputs, variables, runtime: host, seed: 5, lowering });
  const compiled = await three(step, system);
  await step.dispose();
  const eager = await three(eagerStep(play, { inputs, variables, seed: 5 }), system);
  return { compiled, eager };
}

const LOWERINGS = ['portable', 'fast'] as const;
type Lowering = (typeof LOWERINGS)[number];

describe.each(LOWERINGS)('against PyTorch, lowering %s', (lowering) => {
  test.each(CASES)('%s: one compiled step is PyTorch float64’s', async (name) => {
    const { system, vectors } = systemOf(name);
    const { random: _, ...z } = phaseStep(system).inputs['z'] ?? { shape: [] };
    const step = await compile(phaseStep(system).step, {
      inputs: { ...phaseStep(system).inputs, z },
      variables: system.variables,
      runtime: host,
      lowering,
    });
    const results = await step.run(feedsOf(vectors));
    const state = await step.state();
    expectVectors(vectors, scalarOf(results, 'loss_d'), scalarOf(results, 'loss_g'), (key) => valuesOf(state, key));
    await step.dispose();
    system.dispose();
  });
});

describe.each(LOWERINGS)('against tfjs eager, lowering %s', (lowering) => {
  // Adam starts with moments: for gradients near 0, rounding would decide the sign of its first step.
  test.each(CASES)('%s: three steps agree in losses, weights, moments, statistics and averages', async (name) => {
    const { system } = systemOf(name);
    const { compiled, eager } = await bothEngines(system, lowering);
    expectEqual(compiled, eager);
    system.dispose();
  });

  // From initial weights, with options that the vectors lack. With these seeds no gradient is so near 0 that rounding
  // decides its sign.
  const COLD: Record<string, () => GanSystem> = {
    'dcgan 16×16 RGB, smoothed labels': () =>
      dcgan({
        size: 16,
        channels: 3,
        base: 4,
        latent: 8,
        batch: 4,
        labelSmoothing: 0.1,
        emaStatistics: 'averaged',
        seed: 3,
      }),
    'dcgan 12×12, saturating': () =>
      dcgan({ size: 12, base: 4, latent: 8, batch: 4, loss: 'saturating', emaWarmup: false, seed: 4 }),
    'mlp, softplus': () => mlpGan({ base: 16, baseD: 16, batch: 16, activation: 'softplus', seed: 5 }),
  };
  test.each(Object.keys(COLD))('%s: three steps from initial weights agree', async (name) => {
    const system = COLD[name]?.();
    if (system === undefined) throw new Error(name);
    const { compiled, eager } = await bothEngines(system, lowering);
    expectEqual(compiled, eager);
    system.dispose();
  });
});

describe('the graph of a DCGAN step', () => {
  test.each(LOWERINGS)(
    '%s: holds the generator once, no gradient that nothing uses, and no weight that is transposed',
    async (lowering) => {
      const system = dcgan({ size: 32, base: 4, latent: 8, batch: 4 });
      const step = await compile(phaseStep(system).step, {
        inputs: phaseStep(system).inputs,
        variables: system.variables,
        runtime: host,
        lowering,
      });
      const { kernels } = step.summary;
      expect(step.summary.lowering).toBe(lowering);
      // G: 3 transposed convolutions. D, of 3 convolutions: input gradients of the last two in each pass of its own
      // step, of all three in G's.
      expect(kernels['Conv2DBackpropInput']).toBe(3 + 2 * 2 + 3);
      // forward: 3 passes of D; backward: G's transposed convolutions
      expect((kernels['Conv2D'] ?? 0) + (kernels['FusedConv2D'] ?? 0)).toBe(3 * 3 + 3);
      // filter gradients: D's from its two passes, G's once; none of D's in G's step
      expect(kernels['Conv2DBackpropFilter']).toBe(2 * 3 + 3);
      // batch norm: G 3, D 2 in each of 3 passes
      expect(kernels['FusedBatchNorm']).toBe(3 + 3 * 2);
      expect(kernels['Tanh']).toBe(1 + 4); // four are Adam's bias corrections
      const graph = decodeModel(step.onnx()).graph;
      const state = new Set(system.variables.map(({ name }) => name));
      const transposed = graph?.nodes.filter(
        ({ opType, inputs }) =>
          opType === 'Transpose' && (state.has(inputs[0] ?? '') || state.has((inputs[0] ?? '').replace(/\/next$/, ''))),
      );
      expect(transposed).toEqual([]);
      await step.dispose();
      system.dispose();
    },
  );
});

describe('a compiled step', () => {
  const small = (): GanSystem => mlpGan({ base: 8, baseD: 8, batch: 4, seed: 1 });
  const compiled = (system: GanSystem, seed = 0, on = host): Promise<CompiledStep> =>
    compile(phaseStep(system).step, {
      inputs: phaseStep(system).inputs,
      variables: system.variables,
      runtime: on,
      seed,
    });

  test('continues bit-identically from a saved state and step number in another session', async () => {
    const system = small();
    const straight = await compiled(system);
    const wanted = await three(straight, system);
    const first = await compiled(system, 0, others[0]);
    await first.run(feedsAt(system, 0));
    const saved = await first.state();
    const second = await compiled(system, 0, others[1]);
    await second.load(saved);
    second.step = first.step;
    for (const i of [1, 2]) await second.run(feedsAt(system, i));
    expect(await second.state()).toEqual(wanted.state);
    expect(second.step).toBe(3);
    for (const step of [straight, first, second]) await step.dispose();
    system.dispose();
  });

  test('`await using` disposes of it', async () => {
    const system = small();
    let kept: CompiledStep;
    {
      await using step = await compiled(system);
      kept = step;
      await step.run(feedsAt(system, 0));
    }
    await expect(kept.run(feedsAt(system, 0))).rejects.toRefuse('disposed');
    await kept.dispose();
    system.dispose();
  });

  test('draws its noise by seed and step', async () => {
    const system = small();
    const runs = await Promise.all(
      [0, 0, 1].map(async (seed, i) => {
        const step = await compiled(system, seed, [host, ...others][i]);
        const losses = [await step.run(feedsAt(system, 0)), await step.run(feedsAt(system, 0))].map((results) =>
          scalarOf(results, 'loss_g'),
        );
        await step.dispose();
        return losses;
      }),
    );
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    system.dispose();
  });

  test('does not change the variables before writeVariables', async () => {
    const system = small();
    const before = system.variables.map((v) => v.dataSync().slice());
    const tensors = tf.memory().numTensors;
    const step = await compiled(system);
    await step.run(feedsAt(system, 0));
    expect(system.variables.map((v) => v.dataSync().slice())).toEqual(before);
    await step.writeVariables();
    const state = await step.state();
    for (const variable of system.variables)
      expect(variable.dataSync(), variable.name).toEqual(valuesOf(state, variable.name));
    expect(system.variables.map((v) => v.dataSync().slice())).not.toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    await step.dispose();
    system.dispose();
  });

  test('names a wrong feed or state, and can be used afterwards', async () => {
    const system = small();
    const step = await compiled(system);
    const good = feedsAt(system, 0);
    const bad: [Record<string, Feed>, RegExp][] = [
      [{ ...good, real: new Float32Array(3) }, /^run\.real: .*got 3$/],
      [{ ...good, real: { shape: [2, 4], data: new Float32Array(8) } }, /^run\.real: .*got shape \[2, 4\]$/],
      [{ ...good, real: new Float64Array(8) as never }, /^run\.real: .*got Float64Array$/],
      [{ real: good['real'] ?? 0, rate_g: 1 }, /^run\.rate_d: .*got nothing$/],
      [{ ...good, z: new Float32Array(8) }, /^run\.z: .*got one$/],
      [{ ...good, noise: 1 }, /^run\.noise: .*got 'noise'$/],
    ];
    for (const [feeds, message] of bad) await expect(step.run(feeds)).rejects.toRefuse('input.shape', message);
    expect(step.step).toBe(0);
    await expect(step.state(['nothing'])).rejects.toRefuse('usage', 'state.nothing');
    await expect(
      step.load({ 'g/dense0/bias': { dtype: 'float32', shape: [7], data: new Float32Array(7) } }),
    ).rejects.toRefuse('input.shape', /^load\.g\/dense0\/bias: .*got float32 \[7\]$/);
    expect(Number.isFinite(scalarOf(await step.run(good), 'loss_d'))).toBe(true);
    await step.dispose();
    await expect(step.run(good)).rejects.toMatchObject({ code: 'disposed' });
    expect(step.step).toBe(1);
    system.dispose();
  });

  test('may have a result with the name of an input or a variable', async () => {
    const count = tf.tidy(() => tf.variable(tf.scalar(2, 'int32'), false, 'count'));
    const step: StepFunction = ({ x, z }) => {
      if (x === undefined || z === undefined) throw new Error('inputs');
      count.assign(tf.add(count, tf.scalar(1, 'int32')));
      return { count: tf.clone(count), x, z: tf.neg(z), 'count/next': tf.add(x, 1) };
    };
    const options = { inputs: { x: { shape: [2] }, z: { shape: [3], random: 'normal' as const } }, variables: [count] };
    const graph = await compile(step, { ...options, runtime: host });
    const eager = eagerStep(step, options);
    for (let i = 0; i < 2; i++) expect(await graph.run({ x: [i, 5] })).toEqual(await eager.run({ x: [i, 5] }));
    expect(await graph.state()).toEqual(await eager.state());
    await graph.dispose();
    count.dispose();
  });

  test('starts from variables that hold casted integers, as tfjs shares their arrays', async () => {
    const w = tf.tidy(() => tf.variable(tf.tensor1d([1, 2, 3], 'int32').cast('float32'), false, 'casted'));
    const step: StepFunction = ({ n }) => {
      w.assign(tf.mul(w, 1.5));
      return { n: (n as tf.Tensor).cast('float32') };
    };
    const options = { inputs: { n: { shape: [2], dtype: 'int32' as const } }, variables: [w] };
    const graph = await compile(step, { ...options, runtime: host });
    const eager = eagerStep(step, options);
    expect(await graph.run({ n: [4, 5] })).toEqual(await eager.run({ n: [4, 5] }));
    expect(await graph.state()).toEqual({
      casted: { dtype: 'float32', shape: [3], data: Float32Array.of(1.5, 3, 4.5) },
    });
    await graph.dispose();
    w.dispose();
  });

  test('refuses random numbers that would be the same at every step', async () => {
    const noisy: StepFunction = ({ x }) => ({ y: tf.add(x as tf.Tensor, tf.randomNormal([2])) });
    const failure = compile(noisy, { inputs: { x: { shape: [2] } }, runtime: host });
    await expect(failure).rejects.toRefuse('export.unsupported', /\[2\] at .*step\.test\.ts/, 'random.normal');
  });

  test('refuses inputs whose sizes or types cannot be compiled', async () => {
    const system = small();
    const withReal = (real: TensorSpec): Promise<CompiledStep> =>
      compile(phaseStep(system).step, { inputs: { ...phaseStep(system).inputs, real }, runtime: host });
    await expect(withReal({ shape: ['batch', 2] })).rejects.toRefuse('input.shape', 'inputs.real', '[batch, 2]');
    await expect(withReal({ shape: [4, 2], dtype: 'int64' })).rejects.toRefuse('input.shape', 'inputs.real', 'int64');
    system.dispose();
  });

  test('supports read-only variables, integers, comparisons, random numbers, any optimizer, as tfjs', async () => {
    const inputs: Record<string, TensorSpec> = {
      x: { shape: [5, 3] },
      label: { shape: [5], dtype: 'int32' },
      keep: { shape: [5], dtype: 'bool' },
      noise: { shape: [5, 3], random: 'uniform' },
    };
    const [w, fixed, unused] = [[3, 4], [4], [2]].map((shape, i) =>
      tf.tidy(() =>
        tf.variable(
          tf.tensor(
            spread(
              shape.reduce((a, b) => a * b, 1),
              i,
            ),
            shape,
          ),
          i === 0,
          `step-test/v${i}`,
        ),
      ),
    );
    if (w === undefined || fixed === undefined || unused === undefined) throw new Error('variables');
    const optimizer = rmsprop().prepare([w]);
    const step: StepFunction = ({ x, label, keep, noise }) => {
      const noisy = tf.add(tf.add(x ?? 0, tf.mul(noise ?? 0, 0.1)), random.normal([5, 3]));
      const { value, grads } = tf.variableGrads(() => {
        const logits = tf.add(tf.matMul(tf.mul(noisy, random.bernoulli([5, 3], 0.5)), w as tf.Tensor2D), fixed);
        const losses = tf.losses.softmaxCrossEntropy(
          tf.oneHot(label as tf.Tensor1D, 4),
          logits,
          undefined,
          undefined,
          tf.Reduction.NONE,
        );
        return tf.mean(tf.where(keep ?? false, losses, tf.zerosLike(losses)));
      }, [w]);
      applyUpdates(optimizer([w], grads, tf.scalar(0.01)));
      return { value, picked: tf.argMax(noisy, 1) };
    };
    const variables = [w, fixed, unused, ...optimizer.state];
    const feeds: Record<string, Feed> = { x: spread(15, 0.5), label: [0, 3, 1, 2, 3], keep: [1, 0, 1, 1, 0] };
    const graph = await compile(step, { inputs, variables, runtime: host, seed: 11 });
    const results = [await graph.run(feeds), await graph.run(feeds)];
    const state = await graph.state();
    const eager = eagerStep(step, { inputs, variables, seed: 11 });
    for (const result of results) {
      const wanted = await eager.run(feeds);
      expect(scalarOf(result, 'value')).toBeCloseTo(scalarOf(wanted, 'value'), 5);
      expect(result['picked']).toEqual(wanted['picked']);
    }
    for (const [name, { data }] of Object.entries(await eager.state()))
      // all are float32
      expect(valuesOf(state, name), name).toBeAllclose(data as Float32Array, { rtol: 1e-5, atol: 1e-6 });
    expect(valuesOf(state, 'step-test/v2')).toEqual(spread(2, 2));
    await graph.dispose();
    tf.dispose(variables);
  });

  test('runs on the CPU of Node by default when compiled by @forja/trainer/node', async () => {
    const system = small();
    const [own, given] = [
      await compileInNode(phaseStep(system).step, { inputs: phaseStep(system).inputs, variables: system.variables }),
      await compiled(system),
    ];
    expect(await own.run(feedsAt(system, 0))).toEqual(await given.run(feedsAt(system, 0)));
    await own.dispose();
    await expect(own.run(feedsAt(system, 0))).rejects.toMatchObject({ code: 'disposed' });
    await given.dispose();
    system.dispose();
  });

  test('does not grow over 500 steps', async () => {
    const system = mlpGan({ base: 64, baseD: 64, batch: 32 }); // 200 kB of state
    const step = await compiled(system);
    const feeds = feedsAt(system, 0);
    const rss: number[] = [];
    const tensors = tf.memory().numTensors;
    for (let i = 0; i < 500; i++) {
      await step.run(feeds);
      rss.push(process.memoryUsage.rss());
    }
    expect(tf.memory().numTensors).toBe(tensors);
    // the lowest of a stretch, as rss moves with the collector; a leaked state would be 50 MB over this distance
    const lowest = (from: number, to: number): number => Math.min(...rss.slice(from, to));
    expect(lowest(450, 500) - lowest(200, 250)).toBeLessThan(10e6);
    await step.dispose();
    system.dispose();
  });
});
