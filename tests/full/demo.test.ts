// The demo whole (examples/mnist/demo.mjs), judged: each digit that was asked for is that digit, and no digit is always
// the same picture.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { latents } from '@forja/core';
import { load } from '@forja/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TFJS_ADVICE } from '../advice.js';
import { judgeImages, THRESHOLD } from '../judge/judge.mjs';
import { loadMnist } from '../judge/mnist.mjs';

const COUNT = 300; // pictures of a digit
const PIXELS = 28 * 28;
const demo = fileURLToPath(new URL('../../examples/mnist/demo.mjs', import.meta.url));

interface Digit {
  readonly above: number;
  readonly right: number;
  /** Sum over the pixels of the variance between pictures, and the same of real test digits. */
  readonly variance: { readonly made: number; readonly real: number };
}

let folder: string;
/** What the demo printed. */
let printed = '';
const digits: Digit[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-demo-'));
  const ran = spawnSync(process.execPath, [demo, '--out', join(folder, 'run')], { encoding: 'utf8' });
  printed = ran.stdout + ran.stderr;
  expect(ran.status, printed).toBe(0);
  const generator = await load(join(folder, 'run', 'generator.onnx'), { deterministic: true });
  const { images, labels } = loadMnist('t10k');
  for (let digit = 0; digit < 10; digit++) {
    const { image } = await generator.run({
      z: { dtype: 'float32', shape: [COUNT, 64], data: latents(1234, digit * COUNT, COUNT, 64) },
      label: { dtype: 'int32', shape: [COUNT], data: new Int32Array(COUNT).fill(digit) },
    });
    const made = image?.data as Float32Array;
    const judged = await judgeImages(made, COUNT);
    const real = [...labels].flatMap((label, i) => (label === digit ? [i] : []));
    digits.push({
      above: judged.scores.filter((score) => score > THRESHOLD).length / COUNT,
      right: judged.labels.filter((label) => label === digit).length / COUNT,
      variance: {
        made: variance(Array.from({ length: COUNT }, (_, i) => made.subarray(i * PIXELS, (i + 1) * PIXELS))),
        real: variance(real.map((i) => images.subarray(i * PIXELS, (i + 1) * PIXELS))),
      },
    });
  }
  await generator.dispose();
}, 3_600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function variance(pictures: readonly Float32Array[]): number {
  let sum = 0;
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const values = pictures.map((picture) => picture[pixel] ?? 0);
    const mean = values.reduce((total, value) => total + value, 0) / values.length;
    sum += values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
  }
  return sum;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the demo', () => {
  test("does not print tfjs's advice to install a native backend", () => {
    expect(printed).not.toMatch(TFJS_ADVICE);
    expect(printed).toMatch(/generator\.onnx/); // and it was read
  });

  test('makes digits that a judge is sure of: 90 % of all, 85 % of each', () => {
    console.log(`above ${THRESHOLD}, of each digit: ${digits.map(({ above }) => above).join(' ')}`);
    expect(mean(digits.map(({ above }) => above))).toBeGreaterThanOrEqual(0.9);
    expect(Math.min(...digits.map(({ above }) => above))).toBeGreaterThanOrEqual(0.85);
  });

  test('makes the digit that was asked for: 95 % of all, 85 % of each', () => {
    console.log(`right, of each digit: ${digits.map(({ right }) => right).join(' ')}`);
    expect(Math.min(...digits.map(({ right }) => right))).toBeGreaterThanOrEqual(0.85);
    expect(mean(digits.map(({ right }) => right))).toBeGreaterThanOrEqual(0.95);
  });

  test('makes different pictures of each digit: at least 0.8 of the variance of real ones', () => {
    for (const { variance: of } of digits) expect(of.made / of.real).toBeGreaterThan(0.8);
  });
});
