// Jobs without a queue: the plan, and shards made into a folder, compared with what `forja sample` writes.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Generator } from '@forja/core';
import { decode } from 'fast-png';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { load } from '../load.js';
import { JobFolder } from './folder.js';
import { forja, generatorFile, picturesIn } from './jobs.support.js';
import { modelHash, Models } from './models.js';
import { MOST_SHARDS, planOf, shardAt } from './plan.js';
import { jobId, sameRequest, type JobRequest } from './request.js';
import { makeShard } from './shard.js';
import { collect, intact, settled } from './sink.js';
import { Sinks } from './sinks.js';
import { shardWork, type WorkEvent } from './worker.js';

const bytes = generatorFile();
let root: string;
let generator: Generator;
let request: JobRequest;
let expected: Record<string, string>;
let out: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'forja-jobs-'));
  writeFileSync(join(root, 'g.onnx'), bytes);
  const sampled = await forja(
    root,
    'sample',
    'g.onnx',
    '-o',
    'sampled',
    '--count',
    '25',
    '--seed',
    '9',
    '--truncation',
    '1.5',
  );
  expect(sampled.code, sampled.text).toBe(0);
  expected = picturesIn(join(root, 'sampled'));
  generator = await load(join(root, 'g.onnx'), { device: 'cpu', threads: 1, deterministic: true });
  request = {
    model: { path: join(root, 'g.onnx'), sha256: await modelHash(join(root, 'g.onnx')) },
    seed: '9',
    count: 25,
    shard: 10,
    format: 'png',
    lowering: 'auto',
    truncation: 1.5,
  };
});
afterAll(async () => {
  await generator.dispose();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  out = mkdtempSync(join(root, 'job-'));
});

const pixels = (png: string): number[] => [...decode(Buffer.from(png, 'base64')).data];

test('a plan has every picture once, in order, and one shard of it is the same alone', () => {
  for (const [count, shard] of [
    [1, 1],
    [1, 1000],
    [10, 3],
    [999, 1000],
    [1000, 1000],
    [1001, 1000],
  ] as const) {
    const plan = planOf({ count, shard });
    const pictures = plan.flatMap(({ start, count: n }) => Array.from({ length: n }, (_, i) => start + i));
    expect(pictures).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(plan).toEqual(plan.map((_, index) => shardAt({ count, shard }, index)));
    expect(Math.max(...plan.map((one) => one.count))).toBeLessThanOrEqual(shard);
  }
  expect(planOf({ count: MOST_SHARDS, shard: 1 })).toHaveLength(MOST_SHARDS);
  expect(() => planOf({ count: MOST_SHARDS + 1, shard: 1 })).toRefuse('input.range', 'jobs.shard');
  expect(() => shardAt({ count: 10, shard: 3 }, 4)).toRefuse('input.range', 'jobs.shard');
});

test('names of jobs: by what decides the bytes and by the folder, not by where the model lies', async () => {
  expect(request.model.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  const elsewhere = { ...request, model: { ...request.model, path: '/elsewhere' } };
  const other = { ...request, seed: '10' };
  expect(jobId(elsewhere, out)).toBe(jobId(request, out));
  expect(sameRequest(elsewhere, request)).toBe(true);
  expect(jobId(other, out)).not.toBe(jobId(request, out));
  expect(sameRequest(other, request)).toBe(false);
  expect(jobId(request, root)).not.toBe(jobId(request, out));
  writeFileSync(join(root, 'other.onnx'), generatorFile(2));
  expect(await modelHash(join(root, 'other.onnx'))).not.toBe(request.model.sha256);
});

test('shards in any order, some twice at once, make the folder that forja sample writes', async () => {
  const folder = new JobFolder(out);
  const file = { version: 1 as const, id: jobId(request, out), request, shards: [] };
  for (const index of [2, 0, 0, 1]) {
    expect(await collect(folder, file)).toBeUndefined();
    const shard = shardAt(request, index);
    const twice = await Promise.all([1, 2].map((attempt) => makeShard(generator, request, shard, folder, { attempt })));
    expect(twice[0]).toEqual(twice[1]); // the record that holds
    expect(await settled(folder, request, shard)).toEqual(twice[0]);
  }
  expect(picturesIn(out)).toEqual(expected);
  await folder.clean();
  expect(readdirSync(join(out, '.shards')).sort()).toEqual(['00000.json', '00001.json', '00002.json']);
  const collected = await collect(folder, file);
  expect(collected?.done).toMatchObject({ pictures: 25, kinds: { [collected!.shards[0]!.kind]: 3 } });
  expect(await folder.read()).toEqual(collected);
  for (const record of collected!.shards) {
    const files = Object.values(expected).slice(record.start, record.start + record.count);
    const hash = createHash('sha256');
    for (const one of files) hash.update(Buffer.from(one, 'base64'));
    expect(record.sha256).toBe(hash.digest('hex'));
    expect(await intact(folder, request, record)).toBe(true);
  }
  writeFileSync(join(out, '0012.png'), 'something else');
  expect(await intact(folder, request, collected!.shards[1]!)).toBe(false);
});

test('workers of different kinds: pictures within 1 of 255, and the kinds on record', async () => {
  const folder = new JobFolder(out);
  const file = { version: 1 as const, id: jobId(request, out), request, shards: [] };
  const wasm = await load(join(root, 'g.onnx'), { device: 'wasm', threads: 1, deterministic: true });
  try {
    for (const [index, by] of [wasm, generator, wasm].entries())
      await makeShard(by, request, shardAt(request, index), folder);
  } finally {
    await wasm.dispose();
  }
  const { shards, done } = (await collect(folder, file))!;
  expect(shards.map(({ kind }) => /(\S+) \S+ on (\w+)/.exec(kind)?.slice(1))).toEqual([
    ['onnxruntime-web', 'wasm'],
    ['onnxruntime-node', 'cpu'],
    ['onnxruntime-web', 'wasm'],
  ]);
  expect(done?.kinds).toEqual({ [shards[0]!.kind]: 2, [shards[1]!.kind]: 1 });
  const made = picturesIn(out);
  expect(Object.keys(made)).toEqual(Object.keys(expected));
  for (const [name, picture] of Object.entries(made))
    expect(pixels(picture), name).toBeAllclose(pixels(expected[name]!), { atol: 1 });
});

test('an attempt that saw no record, and commits when another has long finished, takes that record', async () => {
  let looked = (): void => undefined;
  let goOn = (): void => undefined;
  const looking = new Promise<void>((resolve) => (looked = resolve));
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  class Late extends JobFolder {
    override async record(index: number): ReturnType<JobFolder['record']> {
      const seen = await super.record(index);
      looked();
      await gate;
      return seen;
    }
  }
  const shard = shardAt(request, 0);
  const late = makeShard(generator, request, shard, new Late(out), { attempt: 2 });
  await looking; // it found nothing
  const first = await makeShard(generator, request, shard, new JobFolder(out), { attempt: 1 });
  goOn();
  expect(await late).toEqual(first);
  expect(await settled(new JobFolder(out), request, shard)).toEqual(first);
  expect(first.attempt).toBe(1);
});

test('what a killed process left is finished or made again', async () => {
  const folder = new JobFolder(out);
  const shard = shardAt(request, 1);
  // Killed while it made the shard: nothing counts, and nothing lies among the pictures.
  const making = await folder.begin(request, shard);
  await making.write(10, Buffer.from(expected['0010.png']!, 'base64'));
  expect(await settled(folder, request, shard)).toBeUndefined();
  expect(picturesIn(out)).toEqual({});
  // A folder in the way stops the moves after the commit, as a kill would; the next worker finishes them.
  mkdirSync(join(out, '0015.png'));
  await expect(makeShard(generator, request, shard, folder)).rejects.toRefuse('io', '0015.png');
  expect(await folder.made()).toEqual(new Set());
  await expect(settled(folder, request, shard)).rejects.toRefuse('io', '0015.png');
  rmSync(join(out, '0015.png'), { recursive: true });
  expect(await settled(folder, request, shard)).toMatchObject({ shard: 1, start: 10, count: 10 });
  expect(picturesIn(out)).toEqual(Object.fromEntries(Object.entries(expected).slice(10, 20)));
  // A picture that was removed since: the shard is to be made.
  rmSync(join(out, '0010.png'));
  expect(await settled(folder, request, shard)).toBeUndefined();
  expect(await folder.made()).toEqual(new Set());
  await folder.clean();
  expect(readdirSync(join(out, '.shards'))).toEqual([]);
});

test('a worker makes what is missing, refuses another model, and says what it does', async () => {
  const folder = new JobFolder(out);
  const id = jobId(request, out);
  const events: WorkEvent[] = [];
  const unfit: unknown[] = [];
  const models = new Models({ device: 'cpu', threads: 1 });
  const options = {
    models,
    sinks: new Sinks(),
    onEvent: (event: WorkEvent) => events.push(event),
    onUnfit: (e: unknown) => unfit.push(e),
  };
  const deliver = (shard: number, work = shardWork(options)): Promise<void> =>
    work({ task: { job: id, sink: out, shard }, attempt: 1, progress: () => undefined });
  await expect(deliver(0)).rejects.toRefuse('usage', 'job.json');
  const file = { version: 1 as const, id, request, shards: [] };
  await folder.write(file);
  for (const shard of [0, 1, 0, 2]) await deliver(shard);
  expect(events.map(({ type, shard }) => `${type} ${shard.index}`)).toEqual([
    ...['begun 0', 'made 0', 'begun 1', 'made 1', 'there 0', 'begun 2', 'made 2'],
  ]);
  expect(picturesIn(out)).toEqual(expected);
  expect((await folder.read())?.done?.pictures).toBe(25);

  const wrong = { ...request, model: { ...request.model, path: join(root, 'other.onnx') } };
  writeFileSync(wrong.model.path, generatorFile(2));
  rmSync(join(out, '0000.png'));
  await folder.write({ ...file, request: wrong });
  await models.close();
  await expect(deliver(0)).rejects.toRefuse('model.integrity', request.model.sha256);
  expect(unfit).toHaveLength(1);
  const own = new Models({ device: 'cpu', threads: 1 }, new Map([[request.model.sha256, join(root, 'g.onnx')]]));
  await deliver(0, shardWork({ ...options, models: own }));
  await own.close();
  expect(picturesIn(out)).toEqual(expected);
});
