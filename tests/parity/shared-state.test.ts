// Steps compiled on one runtime over the same variables share one state, equal to the eager engine's variables: access,
// storage order and lifetime.
import type { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { runtime } from '@forja/node';
import type { Runtime, RuntimeEvent } from '@forja/core';
import {
  compile,
  compileAll,
  dcgan,
  eagerStep,
  scalarOf,
  type CompiledStep,
  type Feed,
  type StepDefinition,
  type StepFunction,
  type StepState,
} from '@forja/trainer';
import { compile as compileInNode, compileAll as compileAllInNode } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { phasesOf, type Phases } from './support/phases.js';

let host: Runtime;
let events: RuntimeEvent[];
beforeEach(() => {
  events = [];
  host = runtime({ device: 'cpu', threads: 1, onEvent: (event) => events.push(event) });
});
afterEach(() => host.dispose());

const variable = (name: string, values: number[]): tf.Variable =>
  tf.tidy(() => tf.variable(tf.tensor1d(values), true, name));
const one = async (step: CompiledStep, name: string): Promise<number[]> => [
  ...((await step.state([name]))[name]?.data as Float32Array),
];

/** Runs of steps that change a variable: it becomes 2·w + x, and w − 1. */
function twoOf(w: tf.Variable): Record<'double' | 'less' | 'look', StepDefinition> {
  const x = { x: { shape: [2] } };
  return {
    double: {
      inputs: x,
      step: ({ x: added }) => (w.assign(tf.add(tf.mul(w, 2), added as tf.Tensor)), { now: tf.clone(w) }),
    },
    less: { inputs: {}, step: () => (w.assign(tf.sub(w, 1)), { now: tf.clone(w) }) },
    look: { inputs: x, step: ({ x: added }) => ({ sum: tf.add(w, added as tf.Tensor) }) },
  };
}

describe('steps over one variable', () => {
  test('compiled one by one, update the same state as in tfjs', async () => {
    const [w, plain] = [variable('shared/w', [1, 2]), variable('shared/plain', [1, 2])];
    const kinds = ['double', 'less', 'double', 'look', 'less'] as const;
    const steps = twoOf(w);
    const made = {
      double: await compile(steps.double.step, { ...steps.double, runtime: host }),
      less: await compile(steps.less.step, { ...steps.less, runtime: host, loop: false }),
      look: await compile(steps.look.step, { ...steps.look, runtime: host }),
    };
    const twin = twoOf(plain);
    const eager = {
      double: eagerStep(twin.double.step, twin.double),
      less: eagerStep(twin.less.step, twin.less),
      look: eagerStep(twin.look.step, twin.look),
    };
    for (const kind of kinds) {
      const feeds = (kind === 'less' ? {} : { x: [3, 4] }) as Record<string, Feed>;
      expect(await made[kind].run(feeds), kind).toEqual(await eager[kind].run(feeds));
    }
    expect(await one(made.look, 'shared/w')).toEqual([...plain.dataSync()]);
    expect([...w.dataSync()]).toEqual([1, 2]);
    await made.look.writeVariables();
    expect([...w.dataSync()]).toEqual([...plain.dataSync()]);
    await made.less.load({ 'shared/w': { dtype: 'float32', shape: [2], data: Float32Array.of(7, 8) } });
    expect((await made.look.run({ x: [0, 1] }))['sum']?.data).toEqual(Float32Array.of(7, 9));
    for (const step of Object.values(made)) await step.dispose();
    tf.dispose([w, plain]);
  });

  test('keep the order of calls that were not awaited, including loads and reads', async () => {
    const w = variable('shared/order', [1, 1]);
    const { double, less, look } = await compileAll(twoOf(w), { runtime: host });
    const calls = [
      double.run({ x: [0, 0] }),
      look.run({ x: [0, 0] }),
      less.run(),
      one(look, 'shared/order'),
      double.load({ 'shared/order': { dtype: 'float32', shape: [2], data: Float32Array.of(5, 5) } }),
      less.runMany([{}, {}]),
      look.run({ x: [0, 0] }),
    ] as const;
    const [, first, , read, , , last] = await Promise.all(calls);
    expect([first['sum']?.data, read, last['sum']?.data]).toEqual([
      Float32Array.of(2, 2),
      [1, 1],
      Float32Array.of(3, 3),
    ]);
    for (const step of [double, less, look]) await step.dispose();
    w.dispose();
  });

  test('free it with the last step; the next one starts from the variable again', async () => {
    const w = variable('shared/end', [1, 2]);
    const steps = twoOf(w);
    const compiled = (key: keyof typeof steps): Promise<CompiledStep> =>
      compile(steps[key].step, { ...steps[key], runtime: host });
    const [first, second] = await Promise.all([compiled('double'), compiled('less')]);
    await first.run({ x: [0, 0] });
    const queued = first.run({ x: [0, 0] });
    await Promise.all([first.dispose(), first.dispose()]);
    expect((await queued)['now']?.data).toEqual(Float32Array.of(4, 8));
    expect((await second.run())['now']?.data).toEqual(Float32Array.of(3, 7));
    await expect(first.state()).rejects.toMatchObject({ code: 'disposed' });
    await expect(first.load({})).rejects.toMatchObject({ code: 'disposed' });
    const third = await compiled('look'); // while it lives, later ones join it
    await second.dispose();
    expect((await third.run({ x: [1, 1] }))['sum']?.data).toEqual(Float32Array.of(4, 8));
    await third.dispose();
    const again = await compiled('less');
    expect((await again.run())['now']?.data).toEqual(Float32Array.of(0, 1));
    await again.dispose();
    w.dispose();
  });

  test('have separate state on each runtime', async () => {
    const w = variable('shared/apart', [1, 1]);
    const other = runtime({ device: 'cpu', threads: 1 });
    const { step, inputs } = twoOf(w).less;
    const [here, there] = [
      await compile(step, { inputs, runtime: host }),
      await compile(step, { inputs, runtime: other }),
    ];
    await here.run();
    expect((await there.run())['now']?.data).toEqual(Float32Array.of(0, 0));
    await Promise.all([here.dispose(), there.dispose(), other.dispose()]);
    w.dispose();
  });

  test('leave nothing behind when one of them cannot be compiled', async () => {
    const w = variable('shared/failed', [1, 1]);
    const { less } = twoOf(w);
    const bad: StepDefinition = {
      inputs: { x: { shape: [6] } },
      step: ({ x }) => (w.assign(tf.add(w, 1)), { y: tf.unique(x as tf.Tensor1D).values }),
    };
    await expect(compileAll({ less, bad }, { runtime: host })).rejects.toMatchObject({ code: 'export.unsupported' });
    // a session that cannot be opened, when the state is there
    await expect(compileAll({ less }, { runtime: host, session: { threads: 0 } })).rejects.toMatchObject({
      code: 'usage',
    });
    w.assign(tf.tensor1d([5, 5]));
    const alone = await compile(less.step, { ...less, runtime: host });
    expect((await alone.run())['now']?.data).toEqual(Float32Array.of(4, 4));
    await alone.dispose();
    w.dispose();
  });

  test('can list unused variables, which the first step that uses them takes over', async () => {
    const [w, idle] = [variable('shared/busy', [1, 1]), variable('shared/idle', [3, 3])];
    const value = (n: number): StepState[string] => ({
      dtype: 'float32',
      shape: [2],
      data: new Float32Array(2).fill(n),
    });
    const variables = [idle, w];
    const { less } = twoOf(w);
    const first = await compile(less.step, { ...less, variables, runtime: host });
    expect(await first.state()).toEqual({ 'shared/idle': value(3), 'shared/busy': value(1) });
    await first.load({ 'shared/idle': value(6) });
    await expect(first.load({ 'shared/idle': { ...value(6), shape: [1, 2] } })).rejects.toMatchObject({
      code: 'input.shape',
    });
    const both: StepFunction = () => (idle.assign(tf.mul(idle, w)), {});
    const second = await compile(both, { inputs: {}, variables, runtime: host });
    await first.run();
    await first.load({ 'shared/busy': value(2) });
    await second.run();
    expect(await first.state()).toEqual({ 'shared/idle': value(12), 'shared/busy': value(2) });
    await first.dispose();
    expect(await second.state(['shared/idle'])).toEqual({ 'shared/idle': value(12) });
    await second.dispose();
    tf.dispose([w, idle]);
  });

  test('continue after their executor ended, from the state read last', async () => {
    const workers: Worker[] = [];
    const onWorker = (worker: Worker): void => void workers.push(worker);
    process.on('worker', onWorker);
    const w = variable('shared/killed', [1, 2]);
    const { double, less } = await compileAll(twoOf(w), { runtime: host });
    await double.run({ x: [0, 0] });
    await less.run();
    const kept = await less.state();
    await double.run({ x: [0, 0] });
    const ended = once(workers[0] as Worker, 'exit');
    await workers[0]?.terminate();
    await ended;
    await expect(double.run({ x: [0, 0] })).rejects.toMatchObject({ code: 'device.lost' });
    await expect(less.state()).rejects.toMatchObject({ code: 'device.lost' });
    expect(double.step).toBe(2);
    await double.load(kept);
    await less.run();
    expect((await double.run({ x: [1, 1] }))['now']?.data).toEqual(Float32Array.of(1, 5));
    expect(events).toHaveLength(1);
    process.off('worker', onWorker);
    await Promise.all([double.dispose(), less.dispose()]);
    w.dispose();
  });
});

/** Numbers in [-1, 1) without our random generator. */
const spread = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 2 * ((((i + 1) * 0.754877666 + phase * 0.569840291) % 1) - 0.5));

const LATENTS = { z: spread(3 * 8, 9) };
type Steps = Record<'critic' | 'generator' | 'average' | 'preview', CompiledStep>;

/** Iterations of two critic updates, one generator update, one of the averages, and a preview. */
async function play(
  steps: Steps,
  { critic }: Phases,
  iterations: number,
): Promise<{ numbers: number[]; state: StepState }> {
  const count = (critic.inputs['real']?.shape ?? []).reduce<number>((n, size) => n * Number(size), 1);
  const numbers: number[] = [];
  for (let i = 0; i < iterations; i++) {
    for (const repeat of [0, 1])
      numbers.push(scalarOf(await steps.critic.run({ real: spread(count, 2 * i + repeat), rate: 2e-3 }), 'loss_d'));
    numbers.push(scalarOf(await steps.generator.run({ rate: 1e-3 }), 'loss_g'));
    await steps.average.run();
    const { out } = await steps.preview.run(LATENTS);
    numbers.push(...(out?.data as Float32Array).slice(0, 40));
  }
  return { numbers, state: await steps.critic.state() };
}

/** Largest difference, as a fraction of the largest magnitude. */
function maxDifference(a: StepState[string] | undefined, b: StepState[string] | undefined): number {
  const [got, wanted] = [a?.data as Float32Array, b?.data as Float32Array]; // all state is float32
  const most = wanted.reduce((m, x) => Math.max(m, Math.abs(x)), 1e-30);
  return wanted.reduce((m, x, i) => Math.max(m, Math.abs(x - (got[i] ?? NaN)) / most), 0);
}

type Make = (phases: Phases, runtime: Runtime) => Promise<Steps>;
const alone =
  (order: readonly (keyof Steps)[], lowering: 'portable' | 'fast', loop: boolean | 'auto' = 'auto'): Make =>
  async ({ variables, ...phases }, on) => {
    const steps: Partial<Steps> = {};
    for (const key of order)
      steps[key] = await compile(phases[key].step, { ...phases[key], variables, seed: 4, lowering, loop, runtime: on });
    return steps as Steps; // all keys are in `order`
  };
const together =
  (lowering: 'portable' | 'fast', loop: boolean | 'auto' = 'auto'): Make =>
  ({ critic, generator, average, preview, variables }, on) =>
    compileAll({ critic, generator, average, preview }, { variables, seed: 4, lowering, loop, runtime: on });

/** Ways to compile the phases, which give state different layouts. */
const MAKES: Record<string, Make> = {
  'together, portable': together('portable'),
  'together, fast': together('fast'),
  'together, in loops': together('fast', true),
  'together, the first of them portable': ({ critic, variables, ...rest }, on) =>
    compileAll(
      {
        critic: { ...critic, lowering: 'portable' },
        generator: rest.generator,
        average: rest.average,
        preview: { ...rest.preview, lowering: 'portable' },
      },
      { variables, seed: 4, lowering: 'fast', runtime: on },
    ),
  'one by one, critic first, fast': alone(['critic', 'generator', 'average', 'preview'], 'fast', false),
  'one by one, preview and averages first, fast': alone(['preview', 'average', 'generator', 'critic'], 'fast', false),
  'one by one, averages first, portable': alone(['average', 'critic', 'preview', 'generator'], 'portable', false),
  'one by one, fast after portable': async (phases, on) => {
    const first = await alone(['critic', 'average'], 'portable', false)(phases, on);
    return { ...first, ...(await alone(['generator', 'preview'], 'fast', false)(phases, on)) };
  },
  'one by one, portable after fast': async (phases, on) => {
    const first = await alone(['critic', 'average'], 'fast', false)(phases, on);
    return { ...first, ...(await alone(['generator', 'preview'], 'portable', false)(phases, on)) };
  },
};

describe('phases of a game', () => {
  const game = (): Phases => phasesOf(dcgan({ size: 16, channels: 3, base: 4, latent: 8, batch: 4, seed: 3 }));
  const eager = (phases: Phases): Steps => {
    const made = (key: keyof Steps): CompiledStep =>
      eagerStep(phases[key].step, { ...phases[key], variables: phases.variables, seed: 4 });
    return {
      critic: made('critic'),
      generator: made('generator'),
      average: made('average'),
      preview: made('preview'),
    };
  };

  let wanted: { numbers: number[]; state: StepState };
  beforeAll(async () => {
    const phases = game();
    wanted = await play(eager(phases), phases, 3);
    phases.dispose();
  });

  test.each(Object.keys(MAKES))('%s: three iterations are tfjs’s, in losses, pictures and all state', async (name) => {
    const phases = game();
    const steps = (await MAKES[name]?.(phases, host)) as Steps; // a key of the table
    const got = await play(steps, phases, 3);
    expect(got.numbers).toBeAllclose(wanted.numbers, { rtol: 1e-4, atol: 1e-5 });
    expect(Object.keys(got.state)).toEqual(phases.variables.map((one) => one.name));
    const off = Object.keys(wanted.state).map(
      (key) => [key, maxDifference(got.state[key], wanted.state[key])] as const,
    );
    expect(off.filter(([, difference]) => !(difference <= 1e-4))).toEqual([]);
    for (const step of Object.values(steps)) await step.dispose();
    phases.dispose();
  });

  test('compiled together, have the graphs that each has alone: the heaviest decides how state is stored', async () => {
    const phases = game();
    const { critic, generator, average, preview, variables } = phases;
    const definitions = { average, critic, generator, preview };
    const moves = (steps: Record<string, CompiledStep>): Record<string, number> =>
      Object.fromEntries(Object.entries(steps).map(([key, { summary }]) => [key, summary.ops['Transpose'] ?? 0]));
    for (const lowering of ['portable', 'fast'] as const) {
      const apart: Record<string, CompiledStep> = {};
      for (const [key, definition] of Object.entries(definitions))
        apart[key] = await compileInNode(definition.step, { ...definition, variables, lowering });
      const all = await compileAll(definitions, { variables, lowering, runtime: host });
      expect(moves(all), lowering).toEqual(moves(apart));
      for (const step of [...Object.values(apart), ...Object.values(all)]) await step.dispose();
      // The averages prefer no layout. Compiled first, they make the others permute what they read.
      const late = await alone(['average', 'critic', 'generator', 'preview'], lowering)(phases, host);
      expect(moves(late)['generator'], lowering).toBeGreaterThan(moves(apart)['generator'] ?? NaN);
      for (const step of Object.values(late)) await step.dispose();
    }
    phases.dispose();
  });
});

describe('on a third-party runtime without shared state', () => {
  let plain: Runtime;
  beforeEach(() => {
    plain = {
      device: host.device,
      createSession: (model, options) => host.createSession(model, options),
      dispose: () => host.dispose(),
      [Symbol.asyncDispose]: () => host.dispose(),
    };
  });

  test('one step may assign a variable, and others read it: their copies are updated', async () => {
    const w = variable('shared/others', [1, 2]);
    const steps = twoOf(w);
    const { look, double } = await compileAll({ look: steps.look, double: steps.double }, { runtime: plain });
    await double.run({ x: [1, 1] });
    expect((await look.run({ x: [10, 10] }))['sum']?.data).toEqual(Float32Array.of(13, 15));
    expect(await one(look, 'shared/others')).toEqual([3, 5]);
    await look.load({ 'shared/others': { dtype: 'float32', shape: [2], data: Float32Array.of(7, 8) } });
    expect((await double.run({ x: [0, 0] }))['now']?.data).toEqual(Float32Array.of(14, 16));
    const failure = compile(steps.less.step, { ...steps.less, runtime: plain });
    await expect(failure).rejects.toRefuse('usage', 'createState', "'shared/others'");
    await double.dispose();
    const less = await compile(steps.less.step, { ...steps.less, runtime: plain });
    expect((await less.run())['now']?.data).toEqual(Float32Array.of(0, 1));
    await Promise.all([less.dispose(), look.dispose()]);
    w.dispose();
  });

  test('phases that assign different variables work', async () => {
    const [a, b] = [variable('shared/a', [1, 1]), variable('shared/b', [1, 1])];
    const first: StepFunction = () => (a.assign(tf.add(a, b)), {});
    const second: StepFunction = () => (b.assign(tf.add(b, a)), { b: tf.clone(b) });
    const variables = [a, b];
    const steps = await compileAll(
      { first: { step: first, inputs: {} }, second: { step: second, inputs: {} } },
      { variables, runtime: plain, loop: false },
    );
    for (let i = 0; i < 3; i++) {
      await steps.first.run();
      await steps.second.run();
    }
    expect([await one(steps.first, 'shared/a'), await one(steps.first, 'shared/b')]).toEqual([
      [13, 13],
      [21, 21],
    ]);
    await Promise.all([steps.first.dispose(), steps.second.dispose()]);
    tf.dispose([a, b]);
  });
});

test('compileAll of @forja/trainer/node gives its steps one worker, which ends with the last of them', async () => {
  const workers: Worker[] = [];
  const onWorker = (worker: Worker): void => void workers.push(worker);
  process.on('worker', onWorker);
  const w = variable('shared/node', [1, 2]);
  const { double, less, look } = await compileAllInNode(twoOf(w));
  await double.run({ x: [0, 0] });
  await Promise.all([double.dispose(), look.dispose()]);
  expect((await less.run())['now']?.data).toEqual(Float32Array.of(1, 3));
  process.off('worker', onWorker);
  const [worker, ...more] = workers;
  expect(more).toEqual([]);
  const ended = once(worker as Worker, 'exit');
  await less.dispose();
  await ended;
  w.dispose();
});
