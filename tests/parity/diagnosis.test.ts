// A failing run reports its diagnosis once, by an event, in its folder and report, and not again when resumed. The
// probe's scalars against their definitions.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtime } from '@forja/node';
import { philoxUniform, type Runtime } from '@forja/core';
import { arrayDataset, eagerStep, makeSystem } from '@forja/trainer';
import { resume, train } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';

let host: Runtime;
let folder: string;
beforeAll(async () => {
  host = runtime({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'forja-diagnosis-'));
});
afterAll(async () => {
  await host.dispose();
  await rm(folder, { recursive: true, force: true });
});

const jsonl = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a dead generator is reported once, also across a resume', async () => {
  const config = {
    system: 'mlp',
    data: 'ring',
    batch: 16,
    base: 8,
    steps: 500,
    seed: 1,
    rates: { g: 0.5, d: 1e-3 },
    sampleEvery: 0,
    checkpointEvery: 400,
  } as const;
  const [whole, halves] = [join(folder, 'whole'), join(folder, 'halves')];
  const warnings: (string | undefined)[] = [];
  const onEvent = (event: { type: string; diagnosis?: { name: string } }): void => {
    if (event.type === 'warning') warnings.push(event.diagnosis?.name);
  };
  await train({ ...config, out: whole }, { runtime: host, onEvent, stepsPerRun: 'auto' });
  expect(warnings).toEqual(['dead-generator']);
  const [told] = await jsonl(join(whole, 'diagnoses.jsonl'));
  expect(told).toMatchObject({ name: 'dead-generator', step: 300, flag: '--rate-g 0.001' });
  expect(await readFile(join(whole, 'report.html'), 'utf8')).toContain('<li>step 300: the generator is dead');

  const stop = new AbortController();
  await train(
    { ...config, out: halves },
    {
      runtime: host,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 430) stop.abort();
      },
    },
  );
  await resume(halves, { runtime: host, onEvent });
  expect(warnings.filter((name) => name !== undefined)).toEqual(['dead-generator']);
  expect(await jsonl(join(halves, 'diagnoses.jsonl'))).toEqual([told]);
  const scalars = async (run: string) => (await jsonl(join(run, 'log.jsonl'))).map((line) => line['scalars']);
  expect(await scalars(halves)).toEqual(await scalars(whole));
});

test('examples that are all alike train on, and the probe says what it can', async () => {
  const dataset = arrayDataset({ name: 'alike', fields: { vector: { data: new Float32Array(2 * 64), shape: [2] } } });
  const spreads: number[] = [];
  const result = await train(
    { system: 'mlp', data: 'alike', batch: 8, base: 8, steps: 110, sampleEvery: 0, out: join(folder, 'alike') },
    {
      runtime: host,
      dataset,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 100) spreads.push(event.scalars['spread'] ?? NaN);
      },
    },
  );
  expect(result).toMatchObject({ reason: 'finished', step: 110 });
  expect(spreads).toHaveLength(1);
  expect(spreads[0]).toBeGreaterThan(1); // finite, where the data has no spread at all
  expect(spreads[0]).toBeLessThan(Infinity);
});

test('the probe: spread, energy coefficient and pairs, by their definitions', async () => {
  const [rows, size] = [16, 2];
  const numbers = (stream: number, count: number) => philoxUniform({ seed: 7, stream, step: 0 }, count);
  const fields = (stream: number) => ({ vector: { data: numbers(stream, 2 * 40), shape: [size] } });
  const holdout = arrayDataset({ name: 'held', fields: fields(1) });
  const data = arrayDataset({ name: 'train', fields: fields(0), holdout });
  const system = makeSystem('mlp', { base: 8 }, { batch: 4, seed: 1, steps: 10, data });
  const { probe, networks } = system;
  if (probe === undefined || networks['g'] === undefined || networks['d'] === undefined) throw new Error('no probe');
  expect(probe.inputs['real']?.shape).toEqual([rows, size]);
  expect(probe.inputs['real_holdout']?.from).toEqual({ data: 'vector', holdout: true });
  const given = { real: numbers(2, rows * size), real_holdout: numbers(3, rows * size), z: numbers(4, rows * 2) };
  const { g, d } = networks as Record<'g' | 'd', tf.LayersModel>;
  const of = (model: tf.LayersModel, values: Float32Array): number[][] =>
    tf.tidy(() => (model.predict(tf.tensor2d(values, [rows, 2])) as tf.Tensor2D).arraySync());
  const points = (values: Float32Array): number[][] =>
    Array.from({ length: rows }, (_, i) => [...values.subarray(2 * i, 2 * i + 2)]);

  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, { length }]) => [
      name,
      { dtype: 'float32' as const, shape: [rows, length / rows] },
    ]),
  );
  const step = eagerStep(probe.step, { inputs, seed: 1 });
  const got = await step.run(
    Object.fromEntries(
      Object.entries(given).map(([name, values]) => [
        name,
        { dtype: 'float32' as const, shape: [rows, 2], data: values },
      ]),
    ),
  );
  await step.dispose();

  const [x, y] = [points(given.real), of(g, given.z)];
  const spread = (all: number[][]): number => {
    const means = [0, 1].map((k) => all.reduce((sum, p) => sum + (p[k] as number), 0) / rows);
    const squares = all.flatMap((p) => p.map((v, k) => (v - (means[k] as number)) ** 2));
    return Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
  };
  const between = (a: number[][], b: number[][], pairs: number): number =>
    a.flatMap((p) => b.map((q) => Math.hypot(...p.map((v, k) => v - (q[k] as number))))).reduce((s, v) => s + v, 0) /
    pairs;
  const [xy, xx, yy] = [between(x, y, rows ** 2), between(x, x, rows * (rows - 1)), between(y, y, rows * (rows - 1))];
  const [onTrain, onHeld] = [of(d, given.real).flat(), of(d, given.real_holdout).flat()];
  const wins = onTrain.flatMap((a) => onHeld.map((b) => Number(a > b))).reduce((s, v) => s + v, 0);
  const wanted = {
    spread: spread(y) / spread(x),
    apart: (2 * xy - xx - yy) / (2 * xy),
    d_overfit: wins / rows ** 2,
    d_train: onTrain.filter((v) => v > 0).length / rows,
    d_holdout: onHeld.filter((v) => v > 0).length / rows,
  };
  expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort());
  for (const [name, value] of Object.entries(wanted))
    expect(Number((got[name]?.data as Float32Array)[0]), name).toBeCloseTo(value, 4);
  system.dispose();
});
