// `train` in memory, on a runtime or in tfjs itself, and its refusals. Folders, kills and resumes are tested in
// tests/parity/train.test.ts.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { readManifest, tensor, type Tensor } from '@forja/core';
import { arrayDataset } from '../data/arrays.js';
import { decodeCheckpoint } from '../records/checkpoint.js';
import { clock } from './clock.js';
import type { TrainConfig } from './config.js';
import { scatter } from './scatter.js';
import { MemoryStore } from '../records/store.js';
import { systemKind } from '../systems/kind.js';
import { kindOf, makeSystem } from '../systems/registry.js';
import { train, type LiveRun, type TrainHost } from './train.js';

const points = { name: 'points', count: 8, fields: { vector: { shape: [2], dtype: 'float32' as const } } };
const tiny: TrainConfig = {
  system: 'mlp',
  data: 'ring',
  steps: 4,
  batch: 8,
  base: 4,
  engine: 'tfjs',
  sampleEvery: 2,
  sampleCount: 5,
  checkpointEvery: 2,
};

describe('train in memory', () => {
  it('trains in tfjs, keeps files in its store, and leaves no tensors', async () => {
    await tf.setBackend('cpu');
    await train(tiny); // tfjs makes some constants once
    const before = tf.memory().numTensors;
    const store = new MemoryStore();
    const events: string[] = [];
    const result = await train(tiny, { store, onEvent: ({ type }) => void events.push(type) });
    expect(tf.memory().numTensors).toBe(before);
    expect(result).toMatchObject({ step: 4, reason: 'finished', device: 'tfjs, cpu', store });
    expect([...store.files.keys()].sort()).toEqual(['config.json', 'generator.onnx', 'report.html', 'sessions.json']);
    expect([...store.checkpoints.keys()]).toEqual([2, 4]);
    expect((await store.samples()).map(({ step }) => step)).toEqual([0, 2, 4]);
    expect(events.filter((type) => type !== 'sample' && type !== 'checkpoint')).toEqual([
      'start',
      'step',
      'step',
      'step',
      'step',
      'export',
      'end',
    ]);
    expect(readManifest(store.files.get('generator.onnx') as Uint8Array)).toMatchObject({
      kind: 'function',
      trainedOn: '8 Gaussians on a ring, 20000 examples',
      inputs: [{ name: 'z', role: 'latent', shape: ['batch', 2] }],
      outputs: [{ name: 'points' }],
      metrics: { steps: 4 },
    });
  });

  it('writes licence and credit of the data into the exported file', async () => {
    const data = new Float32Array(8);
    const dataset = arrayDataset({ name: 'own', data, shape: [2], license: 'CC BY 4.0', credit: 'A. Painter' });
    const { model } = await train(tiny, { dataset });
    expect(readManifest(model as Uint8Array)).toMatchObject({
      trainedOn: 'own, 4 examples; credit: A. Painter',
      license: 'CC BY 4.0',
    });
  });

  it('lets a listener read the state and apply a network with its present weights', async () => {
    const seen: { step: number; counted: number; made: number[] }[] = [];
    let live: LiveRun | undefined;
    const z = tensor('float32', [3, 2], Float32Array.of(0, 0, 1, 0, 0, 1));
    await train(tiny, {
      onReady: (run) => void (live = run),
      onEvent: async (event) => {
        if (event.type !== 'step' || live === undefined) return;
        const kernel = (await live.state())['g/dense0/kernel'] as Tensor;
        const made = await live.evaluate('g', { z });
        seen.push({
          step: event.step,
          counted: (kernel.data as Float32Array)[0] ?? NaN,
          made: [...(made.data as Float32Array)],
        });
        if (event.step === 1) {
          expect(made.shape).toEqual([3, 2]);
          await expect(live.evaluate('critic', { z })).rejects.toRefuse('usage', 'evaluate: ', 'g, d', "got 'critic'");
        }
      },
    });
    expect(seen.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    // weights change from step to step, and outputs with them
    expect(new Set(seen.map(({ counted }) => counted)).size).toBe(4);
    expect(new Set(seen.map(({ made }) => made.join())).size).toBe(4);
  });

  it('trains on tf.data datasets and iterables as on the same examples in memory', async () => {
    const rows = Array.from({ length: 12 }, (_, i) => [Math.cos(i), Math.sin(i)]);
    const log = async (dataset: TrainHost['dataset']): Promise<unknown[]> => {
      const store = new MemoryStore();
      await train(tiny, { store, ...(dataset ? { dataset } : {}) });
      return (await store.lines()).map(({ scalars }) => scalars);
    };
    const whole = await log(arrayDataset({ name: 'points', fields: { vector: { data: rows.flat(), shape: [2] } } }));
    expect(await log(tf.data.array(rows.map((vector) => ({ vector: tf.tensor1d(vector) }))))).toEqual(whole);
    expect(await log(rows.map((row) => Float32Array.from(row)))).toEqual(whole);
  });

  it('refuses a plateau that watches an unknown scalar, and names the existing ones', async () => {
    const waiting = { ...tiny, schedules: { rate_d: { kind: 'plateau' as const, watch: 'loss_dd' } } };
    await expect(train(waiting)).rejects.toRefuse(
      'config.invalid',
      /^config\.schedules\.rate_d: .*got 'loss_dd'.*'loss_d'/,
    );
  });

  it('continues from the bytes of a checkpoint as if it had not stopped', async () => {
    const [whole, half] = [new MemoryStore(), new MemoryStore()];
    await train(tiny, { store: whole });
    await train({ ...tiny, steps: 2 }, { store: half });
    const checkpoint = half.checkpoints.get(2);
    const rest = new MemoryStore();
    await train(tiny, { store: rest, ...(checkpoint ? { checkpoint } : {}) });
    const [a, b] = await Promise.all(
      [rest, whole].map(async ({ checkpoints }) => decodeCheckpoint(checkpoints.get(4) ?? new Uint8Array())),
    );
    expect(a?.state).toEqual(b?.state);
    expect(Object.keys(a?.state ?? {}).length).toBeGreaterThan(30);
    expect(rest.files.get('generator.onnx')).toEqual(whole.files.get('generator.onnx'));
  });

  it('continues with the state of a schedule', async () => {
    // falls after every period of 2, as nothing is below −∞; the resume is in the middle of one
    const watching: TrainConfig = {
      ...tiny,
      steps: 8,
      checkpointEvery: 3,
      sampleEvery: 0,
      schedules: { rate_g: 'plateau:loss_g:0.5:0:2,mode=max,threshold=9' },
    };
    const rates = async (store: MemoryStore) => (await store.lines()).map(({ step, rates: r }) => [step, r['rate_g']]);
    const [whole, half, rest] = [new MemoryStore(), new MemoryStore(), new MemoryStore()];
    await train(watching, { store: whole });
    await train({ ...watching, steps: 3 }, { store: half });
    const checkpoint = half.checkpoints.get(3);
    await train(watching, { store: rest, ...(checkpoint ? { checkpoint } : {}) });
    const wanted = await rates(whole);
    expect(wanted.map(([, rate]) => rate)).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25].map((x) => x * 1e-3));
    expect([...(await rates(half)), ...(await rates(rest))]).toEqual(wanted);
    // a call of several steps ends where the schedule may fall
    const together = new MemoryStore();
    await train(watching, { store: together, stepsPerRun: 8 });
    expect(await rates(together)).toEqual(wanted);
  });

  it.each(['none', 'flip'])('penalises what augmentation changes in the judgement, augment %s', async (augment) => {
    const dataset = arrayDataset({
      data: Uint8Array.from({ length: 512 }, (_, i) => (i * 37) % 256),
      shape: [8, 8, 1],
    });
    const store = new MemoryStore();
    const config = { ...tiny, system: 'dcgan', data: 'x', augment, penalties: { consistency: 10 } } as TrainConfig;
    await train({ ...config, steps: 2 }, { store, dataset });
    for (const { scalars } of await store.lines()) expect(scalars['consistency']).toBeGreaterThan(0);
  });

  it('stops and saves before the first step when its signal is already aborted', async () => {
    const result = await train(tiny, { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ step: 0, reason: 'interrupted' });
    expect(result.model).toBeUndefined();
    expect([...(result.store as MemoryStore).checkpoints.keys()]).toEqual([0]);
  });

  it('disposes everything when a listener throws', async () => {
    const before = tf.memory().numTensors;
    await expect(
      train(tiny, {
        onEvent: ({ type }) => {
          if (type === 'step') throw new Error('mine');
        },
      }),
    ).rejects.toThrow('mine');
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['files without a loader', { ...tiny, system: 'dcgan', data: 'mnist' }, {}, 'usage', /@forja\/trainer\/node only/],
    [
      'the compiled engine without a runtime',
      { ...tiny, engine: 'onnx' },
      {},
      'usage',
      /expected a runtime for the engine 'onnx'/,
    ],
    [
      'pictures whose width is no multiple of 4',
      { ...tiny, system: 'dcgan', data: 'x' },
      { dataset: arrayDataset({ data: new Uint8Array(80), shape: [8, 10, 1] }) },
      'config.invalid',
      /multiples of 4.*8 × 10/,
    ],
    [
      'another size than the data',
      { ...tiny, system: 'dcgan', data: 'x', size: 16 },
      { dataset: arrayDataset({ data: new Uint8Array(64), shape: [8, 8, 1] }) },
      'config.invalid',
      /config\.size: .*8/,
    ],
    [
      'other channels than the data',
      { ...tiny, system: 'dcgan', data: 'x', channels: 3 },
      { dataset: arrayDataset({ data: new Uint8Array(64), shape: [8, 8, 1] }) },
      'config.invalid',
      /config\.channels: .*1/,
    ],
    [
      'points for pictures',
      { ...tiny, system: 'dcgan', data: 'x' },
      { dataset: arrayDataset({ data: new Float32Array(8), shape: [2] }) },
      'config.invalid',
      /^config\.data: /,
    ],
    [
      'consistency of points',
      { ...tiny, penalties: { consistency: 10 } },
      {},
      'config.invalid',
      /^config\.penalties\.consistency: /,
    ],
    ['a checkpoint that is none', tiny, { checkpoint: new Uint8Array(100) }, 'checkpoint.format', /^checkpoint: /],
  ])('refuses %s', async (_, config, host, code, message) => {
    const before = tf.memory().numTensors;
    await expect(train(config as TrainConfig, host)).rejects.toRefuse(code, message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('parts', () => {
  it('rates fall to a tenth', () => {
    const ratesAt = (schedule: 'constant' | 'linear' | 'cosine', step: number): (number | undefined)[] => {
      const { schedules, dispose } = makeSystem(
        'mlp',
        { rates: { g: 1, d: 0.5 }, schedule },
        { data: points, steps: 10 },
      );
      dispose();
      return [schedules['rate_g']?.(step), schedules['rate_d']?.(step)];
    };
    for (const schedule of ['linear', 'cosine'] as const) {
      expect(ratesAt(schedule, 0)).toEqual([1, 0.5]);
      expect(ratesAt(schedule, 5)[0]).toBeCloseTo(0.55, 12);
      expect(ratesAt(schedule, 10)[0]).toBeCloseTo(0.1, 12);
      expect(ratesAt(schedule, 10)[1]).toBeCloseTo(0.05, 12);
    }
    expect(ratesAt('constant', 7)).toEqual([1, 0.5]);
  });

  it('the clock counts images over the last steps and adds earlier sessions', () => {
    let ms = 0;
    const timer = clock(10, 5, () => ms, 2);
    const speeds = [100, 200, 1200].map((at) => {
      ms = at;
      return timer.step();
    });
    expect(speeds).toBeAllclose([100, 100, (2 * 10) / 1.1], { rtol: 1e-12 });
    expect(timer.seconds()).toBeCloseTo(6.2, 12);
  });

  it('draws points at their coordinates, the second axis upwards', () => {
    const picture = scatter(new Float32Array([0, 0, 1.2, 1.2, -99, 99]), 101);
    const at = (x: number, y: number): number | undefined => picture.data[y * 101 + x];
    expect([at(50, 50), at(99, 1), at(1, 1), at(20, 20)]).toEqual([0, 0, 0, 255]);
  });
});

it('says before the first step what is wrong with an output of a system, and that its make failed', async () => {
  const mlp = kindOf('mlp');
  const own = (change: () => object) =>
    systemKind({ ...mlp, name: 'own', make: (options, at) => ({ ...mlp.make(options, at), ...change() }) });
  const file = { model: (x: tf.Tensor) => x, kind: 'function', file: 'g.onnx', outputs: [] };
  const steps: number[] = [];
  const tried = (change: () => object): Promise<unknown> =>
    train({ ...tiny, system: 'own' } as never, {
      system: own(change),
      onEvent: (event) => void (event.type === 'step' && steps.push(event.step)),
    });
  const points = { ...file, inputs: [{ name: 'z', role: 'latnet', shape: ['batch', 2] }] };
  await expect(tried(() => ({ outputs: { points } }))).rejects.toRefuse('usage', "output 'points'", "'latnet'");
  const failing = (): never => {
    throw new TypeError('no such thing');
  };
  await expect(tried(failing)).rejects.toRefuse('config.invalid', "'own'", 'make failed', 'no such thing');
  expect(steps).toEqual([]);
});
