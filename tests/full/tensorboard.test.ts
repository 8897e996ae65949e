// The event file of a run, read by the real `tensorboard`. FORJA_PYTHON names a Python that has it; without one it is
// skipped, and says so.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resume, train } from '@forja/trainer/node';
import { expect, test } from 'vitest';

const python = process.env['FORJA_PYTHON'] ?? 'python3';
const hasTensorboard = spawnSync(python, ['-c', 'import tensorboard']).status === 0;
const script = fileURLToPath(new URL('read-events.py', import.meta.url));

test('tensorboard reads scalars, rates, measures and pictures, once each after a resume', async ({ skip }) => {
  skip(!hasTensorboard, `${python} has no tensorboard: FORJA_PYTHON names one that has`);
  const folder = mkdtempSync(join(tmpdir(), 'forja-tensorboard-'));
  try {
    const out = join(folder, 'run');
    const base = { system: 'mlp', data: 'ring', batch: 8, base: 4, out, tensorboard: true } as const;
    await train({ ...base, steps: 6, sampleEvery: 3, metrics: ['frechet'], metricsEvery: 3, metricsCount: 20 });
    await resume(out, { steps: 9 });
    const { stdout, stderr, status } = spawnSync(python, [script, out], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const read = JSON.parse(stdout) as {
      scalars: Record<string, [number, number][]>;
      images: Record<string, number[]>;
    };
    const lines = (name: string): Record<string, never>[] =>
      readFileSync(join(out, name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, never>);
    for (const [tag, file, part] of [
      ['scalars/loss_d', 'log.jsonl', 'scalars'],
      ['rates/rate_g', 'log.jsonl', 'rates'],
      ['measures/frechet', 'measures.jsonl', 'scores'],
    ] as const) {
      const expected = lines(file).map((line) => [line['step'], Math.fround(line[part]![tag.split('/')[1]!]!)]);
      expect(read.scalars[tag]).toEqual(expected);
    }
    expect(read.images['samples/generator']).toEqual([0, 3, 6, 9]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);
