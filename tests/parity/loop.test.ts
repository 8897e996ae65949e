// Several steps in one run of onnxruntime: the same bits as step by step, for many kinds of steps.
import {
  adam,
  applyUpdates,
  compile,
  dcgan,
  mlpGan,
  phaseStep,
  random,
  type CompiledStep,
  type GanSystem,
} from '@forja/trainer';
import { train } from '@forja/trainer/node';
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cpu: Runtime;
/** A second runtime, for steps with separate state. */
let other: Runtime;
beforeAll(() => void ([cpu, other] = [runtime({ device: 'cpu', threads: 1 }), runtime({ device: 'cpu', threads: 1 })]));
afterAll(async () => void (await Promise.all([cpu.dispose(), other.dispose()])));

const compiled = (
  system: GanSystem,
  loop: boolean | 'auto',
  lowering: 'portable' | 'fast' = 'portable',
  on = cpu,
): Promise<CompiledStep> =>
  compile(phaseStep(system).step, {
    inputs: phaseStep(system).inputs,
    variables: system.variables,
    runtime: on,
    loop,
    lowering,
    seed: 7,
  });

/** Different feeds for each step `i`. */
const feeds = (system: GanSystem, i: number): Record<string, Float32Array | number> => ({
  real: Float32Array.from(
    { length: (phaseStep(system).inputs['real']?.shape ?? []).reduce<number>((n, size) => n * Number(size), 1) },
    (_, k) => Math.sin(k * 0.7 + i),
  ),
  rate_g: 1e-3 / (i + 1),
  rate_d: 2e-3 / (i + 1),
});

const SYSTEMS: Record<string, { make: () => GanSystem; lowering: 'portable' | 'fast' }> = {
  points: { make: () => mlpGan({ base: 12, baseD: 8, batch: 8 }), lowering: 'portable' },
  pictures: { make: () => dcgan({ size: 8, channels: 1, base: 4, latent: 6, batch: 4 }), lowering: 'portable' },
  'pictures, by products': {
    make: () => dcgan({ size: 8, channels: 3, base: 4, latent: 6, batch: 4 }),
    lowering: 'fast',
  },
};

test.each(Object.keys(SYSTEMS))('%s: five steps in two runs are five runs, bit for bit', async (name) => {
  const { make, lowering } = SYSTEMS[name] ?? {};
  if (make === undefined) throw new Error(name);
  const system = make();
  const [one, many] = [await compiled(system, false, lowering), await compiled(system, true, lowering, other)];
  expect(many.onnx(), 'the graph of one step').toEqual(one.onnx());
  const expected = [];
  for (let i = 0; i < 5; i++) expected.push(await one.run(feeds(system, i)));
  const got = [
    ...(await many.runMany([0, 1, 2].map((i) => feeds(system, i)))),
    ...(await many.runMany([3, 4].map((i) => feeds(system, i)))),
  ];
  expect(got).toEqual(expected);
  expect(new Set(got.map((step) => String(step['loss_g']?.data))).size, 'each step has results of its own').toBe(5);
  expect(many.step).toBe(5);
  expect(await many.state()).toEqual(await one.state());
  expect(await many.runMany([])).toEqual([]);
  expect((await one.runMany([feeds(system, 5)]))[0]).toEqual(await many.run(feeds(system, 5)));
  await Promise.all([one.dispose(), many.dispose()]);
  system.dispose();
});

test('read-only state, random numbers per step, results of any type, names that collide with the loop’s', async () => {
  const w = tf.tidy(() => tf.variable(tf.tensor1d([1, 2]), true, 'loop/w'));
  const fixed = tf.tidy(() => tf.variable(tf.tensor1d([10, 20]), false, 'loop/fixed'));
  const optimizer = adam({ name: 'loop/adam' }).prepare([w]);
  const step = ({ x, steps }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
    const noise = random.normal([2]);
    applyUpdates(optimizer([w], [tf.add(x as tf.Tensor, noise)], tf.scalar(0.1)));
    return { noise, sum: tf.add(tf.mul(w, fixed), steps as tf.Tensor), count: tf.cast(tf.greater(w, 1), 'int32') };
  };
  const inputs = { x: { dtype: 'float32', shape: [2] }, steps: { dtype: 'float32', shape: [] } } as const;
  const make = (loop: boolean): Promise<CompiledStep> =>
    compile(step, {
      inputs: { x: { dtype: 'float32', shape: [2] }, steps: { ...inputs.steps, shape: [] } },
      variables: [w, fixed],
      runtime: loop ? cpu : other,
      loop,
      seed: 3,
    });
  const [one, many] = [await make(false), await make(true)];
  const given = [0, 1, 2, 3].map((i) => ({ x: [i, -i], steps: i }));
  const got = await many.runMany(given);
  expect(got).toEqual(await one.runMany(given));
  expect(got.map((result) => [result['count']?.dtype, result['count']?.shape, result['noise']?.shape])).toEqual(
    given.map(() => ['int32', [2], [2]]),
  );
  expect(new Set(got.map((result) => String(result['noise']?.data))).size).toBe(4);
  await many.load({ 'loop/w': { dtype: 'float32', shape: [2], data: Float32Array.of(5, 6) } });
  expect(await many.state(['loop/w', 'loop/fixed'])).toEqual({
    'loop/w': { dtype: 'float32', shape: [2], data: Float32Array.of(5, 6) },
    'loop/fixed': { dtype: 'float32', shape: [2], data: Float32Array.of(10, 20) },
  });
  await expect(
    many.runMany([
      { x: [1, 2], steps: 1 },
      { x: [1], steps: 1 },
    ]),
  ).rejects.toMatchObject({ code: 'input.shape' });
  expect(many.step, 'a refused feed runs nothing').toBe(4);
  await Promise.all([one.dispose(), many.dispose()]);
  optimizer.dispose();
  tf.dispose([w, fixed]);
});

test('small steps are looped by default, and large ones are not', async () => {
  const [small, large] = [mlpGan({ base: 12, baseD: 8, batch: 8 }), mlpGan({ base: 400, baseD: 400, batch: 400 })];
  const [looped, plain] = [await compiled(small, 'auto'), await compiled(large, 'auto')];
  expect([looped.summary.stepsPerRun, plain.summary.stepsPerRun]).toEqual([32, 1]);
  await Promise.all([looped.dispose(), plain.dispose()]);
  small.dispose();
  large.dispose();
});

test('training with many steps per run gives the same weights, grids and checkpoints', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'forja-loop-'));
  const config = {
    system: 'mlp',
    data: { kind: 'synthetic', shape: 'ring', count: 100 },
    batch: 8,
    base: 8,
    steps: 23,
    sampleEvery: 10,
    checkpointEvery: 7,
    sampleCount: 4,
    threads: 1,
  } as const;
  const events: string[][] = [];
  for (const stepsPerRun of [1, 16]) {
    const seen: string[] = [];
    await train(
      { ...config, out: join(folder, String(stepsPerRun)) },
      {
        stepsPerRun,
        onEvent: (event) =>
          void seen.push(
            `${event.type} ${'step' in event ? event.step : ''} ${event.type === 'step' ? `${event.scalars['loss_d']} ${event.scalars['loss_g']}` : ''}`,
          ),
      },
    );
    events.push(seen.filter((line) => /^(step|sample|checkpoint) /.test(line)));
  }
  expect(events[1]?.length).toBe(23 + 3 + 4); // steps; grids at 0, 10, 20; checkpoints at 7, 14, 21 and the end
  // a grid or checkpoint at step n comes after step n in both, the other steps of its run do not
  expect(events[1]).toEqual(events[0]);
  const [a, b] = await Promise.all([1, 16].map((n) => readFile(join(folder, String(n), 'generator.onnx'))));
  expect(a?.equals(b ?? Buffer.alloc(0))).toBe(true);
  await rm(folder, { recursive: true, force: true });
});
