// The command: its arguments, and each refusal with its code and nothing written. Runs are tested in tests/parity.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { encode } from 'fast-png';
import type { CliIo } from '@forja/core';
import { duration } from './duration.js';
import { quietIo } from './quiet-io.support.js';
import { progressListener, trainCommand } from './train-command.js';

const root = await mkdtemp(join(tmpdir(), 'forja-command-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let cwd: string;
let n = 0;
let lines: string[];
beforeEach(async () => {
  cwd = join(root, String(n++));
  await mkdir(cwd);
  lines = [];
});

const io = (signal = new AbortController().signal): CliIo =>
  quietIo({
    cwd,
    signal,
    print: (line = '') => void lines.push(line),
    warn: (line) => void lines.push(`warn ${line}`),
    progress: (total, title) => ({
      update: (done, text) => void lines.push(`${title} ${done}/${total} ${text}`),
      stop: () => {},
    }),
  });

const tiny = { system: 'mlp', data: { kind: 'synthetic', count: 64 }, steps: 3, batch: 8, base: 4, threads: 1 };

it('needs classes in folders only for systems that read them', async () => {
  const png = encode({ width: 2, height: 2, channels: 1, data: new Uint8Array(4) });
  for (const name of ['photos/top.png', 'photos/2019/a.png', 'photos/2020/b.png']) {
    await mkdir(dirname(join(cwd, name)), { recursive: true });
    await writeFile(join(cwd, name), png);
  }
  const tried = (config: string): Promise<unknown> => trainCommand.run({ config, data: 'photos' }, io());
  await expect(tried('conditional')).rejects.toMatchObject({ code: 'data.class' });
  await expect(tried('dcgan')).rejects.toRefuse('config.invalid', 'multiples of 4', '2 × 2 from photos');
  // and says which data has the fields that other systems read
  for (const [system, kind] of Object.entries({ pix2pix: 'pairs', cyclegan: 'domains', text2image: 'captions' }))
    await expect(tried(system)).rejects.toRefuse('config.invalid', 'config.data', `"kind": "${kind}"`);
});

describe('forja train', () => {
  it.each([
    ['nothing', {}, 'usage', /a configuration \(\.json\), a module \(\.mjs\) or a system/],
    ['another system', { config: 'biggan', data: 'mnist' }, 'config.invalid', /system: .*got 'biggan'/],
    ['no data', { config: 'dcgan' }, 'config.invalid', /config\.data: .*got nothing/],
    ['data that is not there', { config: 'dcgan', data: 'photos' }, 'data.notFound', /photos/],
    ['an empty folder', { config: 'dcgan', data: 'empty' }, 'data.empty', /empty/],
    [
      'a field out of range',
      { config: 'dcgan', data: 'mnist', steps: -5 },
      'config.invalid',
      /config\.steps: .*got -5/,
    ],
    ['a configuration that is not there', { config: 'c.json' }, 'usage', /nothing at .*c\.json/],
    ['a configuration that is not JSON', { config: 'bad.json' }, 'config.invalid', /bad\.json: /],
    ['a configuration that is a list', { config: 'list.json' }, 'config.invalid', /got a list/],
    ['another configuration beside --resume', { resume: 'x', config: 'mlp', out: 'y' }, 'usage', /no config, out /],
    ['another start beside --resume', { resume: 'x', start: 'y' }, 'usage', /no start /],
    ['--override without --resume', { config: 'mlp', data: 'ring', override: true }, 'usage', /expected --resume/],
    ['--resume of no run', { resume: 'empty' }, 'usage', /a folder without/],
    ['a folder in use', { config: 'mlp', data: 'ring', out: '.' }, 'usage', /new or empty folder/],
    ['a file for a folder', { config: 'mlp', data: 'ring', out: 'bad.json' }, 'usage', /got a file/],
  ])('refuses %s', async (_, args, code, message) => {
    await mkdir(join(cwd, 'empty'));
    await writeFile(join(cwd, 'bad.json'), '{');
    await writeFile(join(cwd, 'list.json'), '[]');
    const before = await readdir(cwd, { recursive: true });
    await expect(trainCommand.run(args, io())).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    expect(await readdir(cwd, { recursive: true })).toEqual(before);
  });

  it('explains with --explain --dry-run how the step would run, and refuses --explain alone', async () => {
    const points = await trainCommand.run({ config: 'mlp', data: 'ring', base: 8, dryRun: true, explain: true }, io());
    expect(points).toMatchObject({
      plan: expect.stringMatching(
        /chosen: portable\nwork of a step: \d+ million .* threads: 1; steps that may share a call: 32$/,
      ) as string,
    });
    await expect(trainCommand.run({ config: 'mlp', data: 'ring', explain: true }, io())).rejects.toThrow(
      'train --explain: expected --dry-run',
    );
  });

  it('shows with --dry-run what it would do, with options overriding the file', async () => {
    await writeFile(join(cwd, 'c.json'), JSON.stringify({ ...tiny, rates: { g: 0.1 } }));
    const before = process.memoryUsage().rss;
    const result = await trainCommand.run({ config: 'c.json', dryRun: true, steps: 9, rateD: 0.2 }, io());
    expect(result).toMatchObject({ config: { steps: 9, batch: 8, rates: { g: 0.1, d: 0.2 } }, examples: 64 });
    const { measured } = result as { measured: { seconds: number; imagesPerSecond: number } };
    expect(measured.seconds).toBeGreaterThan(0);
    expect(measured.imagesPerSecond).toBeCloseTo(8 / measured.seconds, 6);
    expect(lines.join('\n')).toMatch(/measured on onnxruntime, cpu, 1 thread: .* ms a step, \d+ images\/s/);
    expect(lines.join('\n')).toMatch(
      /would train mlp on 8 Gaussians on a ring \(64 examples of vector 2, label number\) for 9 steps of 8/,
    );
    const { peakBytes } = result as { peakBytes: number };
    expect(peakBytes).toBeGreaterThan(0.9 * before); // the kernel counts in batches of pages
    expect(lines).toContainEqual(expect.stringMatching(/^memory: \d+ MB at most in this process/));
    expect(await readdir(cwd)).toEqual(['c.json']);
  });

  it('shows with --dry-run the phases of a step, and the size of their state', async () => {
    const args = { config: 'mlp', data: 'ring', base: 4, penalty: ['r1=1,every=4'], dSteps: 2, dryRun: true };
    const counts = { 'hidden layers': 2 * (3 * 4 + 5 * 4), 'last of g': 5 * 2, 'last of d': 5 };
    const weights = Object.values(counts).reduce((a, b) => a + b);
    // Adam's moments; averages of g; two counters of Adam, one of the average
    const numbers = 3 * weights + (weights - 5 + 10) / 2 - 5 / 2 + 5 / 2 + 3;
    expect(await trainCommand.run(args, io())).toMatchObject({
      phases: [
        { name: 'discriminator', every: 1, repeat: 2 },
        { name: 'generator', every: 1, repeat: 1 },
        { name: 'r1', every: 4, repeat: 1 },
      ],
      stateBytes: 4 * numbers,
    });
    expect(lines).toContainEqual('phases of a step: discriminator × 2, generator, r1 (every 4 steps)');
    expect(await readdir(cwd)).toEqual([]);
  });

  it('takes schedules in one flag: a kind for both rates, or single scalars by name', async () => {
    const schedule = ['cosine', 'rate_d=linear:2e-4:0:5000', 'r1=linear::0,warmup=3'];
    const args = { config: 'mlp', data: 'ring', base: 4, penalty: ['r1=0.5'], schedule, dryRun: true };
    expect(await trainCommand.run(args, io())).toMatchObject({
      config: {
        schedule: 'cosine',
        schedules: {
          rate_d: { kind: 'linear', from: 2e-4, to: 0, steps: 5000 },
          r1: { kind: 'linear', to: 0, warmup: 3 },
        },
      },
    });
    // in a system without schedules of single scalars, the flag is a plain kind
    await expect(trainCommand.run({ config: 'pix2pix', data: 'x', schedule: 'cosin' }, io())).rejects.toThrow(
      /config\.schedule: .*got 'cosin'/,
    );
    await expect(trainCommand.run({ ...args, schedule: ['cosin'] }, io())).rejects.toThrow(
      /config\.schedule: expected/,
    );
    await expect(trainCommand.run({ ...args, schedule: ['r1='] }, io())).rejects.toThrow(
      "train --schedule: expected name=…, got 'r1='",
    );
    await expect(trainCommand.run({ ...args, schedule: ['r2=cosine'] }, io())).rejects.toThrow(
      /got 'r2'; did you mean 'r1'/,
    );
  });

  it('trains, shows progress, and resumes', async () => {
    await writeFile(join(cwd, 'c.json'), JSON.stringify(tiny));
    expect(await trainCommand.run({ config: 'c.json', out: 'run' }, io())).toMatchObject({
      step: 3,
      reason: 'finished',
      generator: join(cwd, 'run', 'generator.onnx'),
    });
    expect(lines.filter((l) => l.startsWith('training'))).toEqual(
      [1, 2, 3].map(
        (s) =>
          expect.stringMatching(
            new RegExp(`^training ${s}/3 \\d+ images/s  D \\d+\\.\\d\\d  G \\d+\\.\\d\\d  0:0\\d left$`),
          ) as string,
      ),
    );
    expect((await readdir(join(cwd, 'run'))).sort()).toEqual([
      'checkpoint-3',
      'config.json',
      'generator.onnx',
      'log.jsonl',
      'report.html',
      'samples',
      'sessions.json',
    ]);
    expect(await trainCommand.run({ resume: 'run', steps: 5 }, io())).toMatchObject({ step: 5, reason: 'finished' });
  });

  it('saves before the first step if interrupted at once', async () => {
    const abort = new AbortController();
    abort.abort();
    expect(
      await trainCommand.run(
        { config: 'mlp', data: 'ring', out: 'run', batch: 8, base: 4, sampleEvery: 0 },
        io(abort.signal),
      ),
    ).toMatchObject({ step: 0, reason: 'interrupted' });
    expect(lines.at(-1)).toMatch(/stopped after step 0, saved; continue with: forja train --resume /);
    expect(await readdir(join(cwd, 'run'))).toContain('checkpoint-0');
  });
});

describe('progress', () => {
  it('formats times', () => {
    expect([0, 59.6, 62, 3723, Infinity, NaN].map(duration)).toEqual([
      '0:00',
      '1:00',
      '1:02',
      '1:02:03',
      '0:00',
      '0:00',
    ]);
  });

  it('shows how many pictures of a folder are read', () => {
    const { onEvent } = progressListener(io());
    for (const done of [1, 2]) onEvent({ type: 'data', done, total: 2 });
    expect(lines).toEqual(['reading pictures 1/2 1 of 2', 'reading pictures 2/2 2 of 2']);
  });

  it('shows warnings', () => {
    progressListener(io()).onEvent({ type: 'warning', message: 'other threads' });
    expect(lines).toEqual(['warn other threads']);
  });
});
