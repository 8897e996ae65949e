// A run of WGAN-GP that is killed inside an iteration, between two of the critic's five runs: the resume begins that
// iteration again, and equals an uninterrupted run bit for bit.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { philoxUniform } from '@forja/core';
import { resume, train } from '@forja/trainer/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweep } from '../sweeps.js';
import { expectSameRun, logOf, startTraining } from './support/runs.js';
import { bundleTrainChild } from './support/train-bundle.js';

const CRITIC = 5; // runs in an iteration
let child: string;
let folder: string;
beforeAll(async () => {
  child = await bundleTrainChild('kill-child');
  folder = await mkdtemp(join(tmpdir(), 'forja-kill-inside-'));
  const pixels = philoxUniform({ seed: 1, stream: 0, step: 0 }, 64 * 256);
  const head = [0, 0, 8, 3, 0, 0, 0, 64, 0, 0, 0, 16, 0, 0, 0, 16];
  await writeFile(join(folder, 'noise.idx'), Uint8Array.from([...head, ...pixels.map((v) => v * 256)]));
  // So wide that each run of the critic is a call of its own: small ones share a call, which nothing can interrupt.
  await train({ ...config, out: 'straight' }, { cwd: folder });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const config = {
  system: 'wgan-gp',
  data: 'noise.idx',
  base: 64,
  latent: 8,
  batch: 64,
  seed: 3,
  threads: 1,
  steps: 6,
  checkpointEvery: 3,
  sampleEvery: 4,
  sampleCount: 4,
} as const;

test.each(sweep([1, 3, 4], [3]))("after %i of the critic's five runs", async (inside) => {
  const iterations = 4; // that are complete; the last checkpoint is of step 3
  const out = `killed-${inside}`;
  const at = iterations * CRITIC + inside;
  const { lines, end } = startTraining(child, folder, [JSON.stringify({ ...config, out }), 'loss_d', String(at)]);
  const ended = await end;
  expect({ lines, ...ended }).toEqual({ lines: [{ runs: at }], code: null, signal: 'SIGKILL' });
  expect(await logOf(join(folder, out))).toHaveLength(iterations);
  expect(await resume(out, { cwd: folder })).toMatchObject({ step: config.steps, reason: 'finished' });
  await expectSameRun(folder, config.steps, [out, 'straight']);
});
