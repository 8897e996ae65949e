// Training runs in separate processes, which can be killed; and what equal runs must have in common: every tensor of
// the last checkpoint, the log except times, grids and models.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resume } from '@forja/trainer/node';
import { TFJS_ADVICE } from '../../advice.js';

/** A line that `train-child.ts` prints. */
export type Printed = Record<string, unknown>;

/** A process that trains. */
export interface Training {
  process: ChildProcess;
  lines: Printed[];
  end: Promise<{ code: number | null; signal: string | null }>;
}

/** Starts `child`, the bundled `train-child.ts`, in `folder`, as user `uid`; `onLine` sees what it prints. */
export function startTraining(
  child: string,
  folder: string,
  args: readonly string[],
  onLine: (line: Printed, process: ChildProcess) => void = () => {},
  uid?: number,
): Training {
  const process_ = spawn(process.execPath, ['--expose-gc', child, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const lines: Printed[] = [];
  let rest = '';
  process_.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts.filter((p) => p.startsWith('{'))) {
      const line = JSON.parse(part) as Printed;
      lines.push(line);
      onLine(line, process_);
    }
  });
  let warned = '';
  process_.stderr.on('data', (chunk: Buffer) => (warned += chunk.toString()));
  process_.stderr.pipe(process.stderr, { end: false });
  const end = once(process_, 'close').then(([code, signal]) => {
    expect(warned).not.toMatch(TFJS_ADVICE);
    return { code: code as number | null, signal: signal as string | null };
  });
  return { process: process_, lines, end };
}

/** The log of a run without its fields of time and memory. */
export async function logOf(run: string): Promise<unknown[]> {
  const text = await readFile(join(run, 'log.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const { seconds, images_per_s: speed, peak_mb: peak, ...rest } = JSON.parse(line) as Record<string, number>;
      expect([typeof seconds, typeof speed]).toEqual(['number', 'number']);
      expect(peak).toBeGreaterThan(30); // more than Node alone has
      return rest;
    });
}

/**
 * The tensors of a checkpoint: their names, types and shapes, and their bytes. Its metadata has the seconds, which
 * differ.
 */
export async function tensorsOf(run: string, step: number): Promise<Buffer> {
  const bytes = await readFile(join(run, `checkpoint-${step}`));
  const start = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__: texts, ...entries } = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, unknown>;
  expect(texts).toBeDefined();
  expect(Object.keys(entries)).not.toEqual([]);
  expect(bytes.length).toBeGreaterThan(start);
  return Buffer.concat([Buffer.from(JSON.stringify(entries)), bytes.subarray(start)]);
}

/**
 * Trains `config` into `folder/out` in a process that is killed `delay` ms after it has printed step `at`, and resumes
 * it in this one. The log gets half a line more in between, as a kill during a write leaves it.
 */
export async function killAndResume(
  child: string,
  folder: string,
  config: { out: string; steps: number },
  { at, delay }: { at: number; delay: number },
): Promise<void> {
  const killed = startTraining(child, folder, ['train', JSON.stringify(config)], ({ step }, process_) => {
    if (step === at) setTimeout(() => process_.kill('SIGKILL'), delay);
  });
  const { signal, code } = await killed.end;
  // A fast run may have ended within the delay.
  if (code !== 0) expect({ signal, error: killed.lines.find(({ error }) => error) }).toEqual({ signal: 'SIGKILL' });
  await writeFile(join(folder, config.out, 'log.jsonl'), '{"step":99,"loss', { flag: 'a' });
  const warnings: string[] = [];
  const result = await resume(config.out, {
    cwd: folder,
    onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  });
  expect(result).toMatchObject({ step: config.steps, reason: 'finished' });
  expect(warnings).toEqual([]);
}

/** Asserts that two finished runs of `steps` steps in `folder` left the same state, log, grids, models and config. */
export async function expectSameRun(folder: string, steps: number, [run, like]: [string, string]): Promise<void> {
  const [a, b] = [join(folder, run), join(folder, like)];
  expect((await tensorsOf(a, steps)).equals(await tensorsOf(b, steps))).toBe(true);
  expect(await logOf(a)).toEqual(await logOf(b));
  expect((await logOf(b)).length).toBe(steps);
  const files = (await readdir(b, { recursive: true })).filter((name) => /\.(onnx|png)$/.test(name));
  expect(files.filter((name) => name.endsWith('.onnx'))).not.toEqual([]);
  for (const file of files) {
    const [one, other] = await Promise.all([a, b].map((out) => readFile(join(out, file), 'latin1')));
    expect(one?.replace(run, like) === other, file).toBe(true);
  }
  const configs = await Promise.all([a, b].map((out) => readFile(join(out, 'config.json'), 'utf8')));
  const [one, other] = configs.map((text) => ({ ...(JSON.parse(text) as object), out: '' }));
  expect(one).toEqual(other);
  expect((await readdir(a)).filter((name) => name.includes('tmp'))).toEqual([]);
}
