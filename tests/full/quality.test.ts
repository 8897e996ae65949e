// Digits of a small DCGAN, three seeds, scored by the judge; and those of the PyTorch twin, trained on as many images,
// if FORJA_TORCH_PYTHON is set.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { load } from '@forja/node';
import { train } from '@forja/trainer/node';
import { latents } from '@forja/core';
import { judgeImages, type Judgement } from '../judge/judge.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'forja-quality-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const SEEDS = [1, 2, 3];
const STEPS = 7500;
const SAMPLES = 1000;
const python = process.env['FORJA_TORCH_PYTHON'];
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A DCGAN of the twin's sizes, and the judgement of 1,000 samples. */
async function ours(seed: number): Promise<Judgement> {
  const out = join(folder, `ours-${seed}`);
  await train(
    {
      system: 'dcgan',
      data: 'mnist',
      out,
      steps: STEPS,
      batch: 32,
      base: 24,
      seed,
      rates: { g: 2e-3, d: 2e-3 },
      schedule: 'linear',
      sampleEvery: 0,
    },
    { cwd: join(root, 'tests') },
  );
  const generator = await load(join(out, 'generator.onnx'), { deterministic: true });
  try {
    const { image } = await generator.run({
      z: { dtype: 'float32', shape: [SAMPLES, 100], data: latents(1234, 0, SAMPLES, 100) },
    });
    return await judgeImages(image?.data as Float32Array, SAMPLES);
  } finally {
    await generator.dispose();
  }
}

/** The twin: same widths, rates, schedule, average and number of images. */
async function twin(seed: number): Promise<Judgement> {
  const flags = {
    steps: STEPS,
    batch: 32,
    base: 24,
    'rate-g': 2e-3,
    'rate-d': 2e-3,
    schedule: 'linear',
    seed,
    samples: SAMPLES,
    out: folder,
  };
  execFileSync(
    python ?? 'python',
    [
      join(root, 'bench', 'torch', 'train_mnist.py'),
      ...Object.entries(flags).flatMap(([k, v]) => [`--${k}`, String(v)]),
    ],
    { stdio: 'ignore' },
  );
  const bytes = await readFile(join(folder, `samples-${seed}.f32`));
  return judgeImages(new Float32Array(new Uint8Array(bytes).buffer), SAMPLES);
}

describe('digits', () => {
  const results: { seed: number; ours: Judgement }[] = [];

  it.each(SEEDS)('of seed %i are digits, of all classes', async (seed) => {
    const judged = await ours(seed);
    results.push({ seed, ours: judged });
    console.log(
      `seed ${seed}: ${percent(judged.fractionAbove)} of ${SAMPLES} above 0.9; classes ${judged.classShare.map(percent).join(' ')}`,
    );
    expect(judged.fractionAbove).toBeGreaterThanOrEqual(0.4);
    expect(Math.min(...judged.classShare)).toBeGreaterThan(0);
    expect(Math.max(...judged.classShare)).toBeLessThanOrEqual(0.25);
  });

  it('are no worse than those of the PyTorch twin', async (context) => {
    if (python === undefined) return context.skip('FORJA_TORCH_PYTHON is not set: there is no PyTorch to compare with');
    const theirs: number[] = [];
    for (const seed of SEEDS) {
      const { fractionAbove } = await twin(seed);
      theirs.push(fractionAbove);
      console.log(`seed ${seed}, PyTorch: ${percent(fractionAbove)}`);
    }
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const mine = results.map(({ ours: judged }) => judged.fractionAbove);
    // Three runs per side: a difference within two standard errors of the two means is noise.
    const variance = (values: number[]): number =>
      mean(values.map((v) => (v - mean(values)) ** 2)) * (values.length / (values.length - 1));
    const error = Math.sqrt((variance(mine) + variance(theirs)) / SEEDS.length);
    console.log(
      `mean: ours ${percent(mean(mine))}, PyTorch ${percent(mean(theirs))}, standard error of the difference ${percent(error)}`,
    );
    expect(mine.length).toBe(SEEDS.length);
    expect(mean(mine)).toBeGreaterThan(mean(theirs) - 2 * error);
  });
});
