// Games of every kind, killed four times each at random moments, also within an iteration: the resumed run equals an
// uninterrupted one, bit for bit: state, pools, lazy moments, log, grids and models.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageBatch, philoxUniform } from '@forja/core';
import { train, type TrainConfig } from '@forja/trainer/node';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { expectSameRun, killAndResume } from '../parity/support/runs.js';
import { bundleTrainChild } from '../parity/support/train-bundle.js';

const KILLS = 4;
const [COUNT, SIZE] = [12, 16];
let child: string;
let folder: string;

/** A folder of random pictures. */
async function pictures(name: string, stream: number): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  const bytes = philoxUniform({ seed: 1, stream, step: 0 }, COUNT * SIZE * SIZE * 3).map((x) => x * 255);
  const batch = new ImageBatch(COUNT, SIZE, SIZE, 3, Uint8ClampedArray.from(bytes));
  for (const [i, picture] of Array.from(batch).entries())
    await writeFile(join(folder, name, `${i}.png`), await picture.toPNG());
}

beforeAll(async () => {
  child = await bundleTrainChild();
  folder = await mkdtemp(join(tmpdir(), 'forja-kill-'));
  const folders = [
    'photos',
    'classes/one',
    'classes/two',
    'pairs/input',
    'pairs/target',
    'sets/a',
    'sets/b',
    'captions',
  ];
  for (const [stream, name] of folders.entries()) await pictures(name, stream);
  for (const [i, caption] of Array.from({ length: COUNT }, (_, i) => ['red hat', 'blue hat', 'red'][i % 3]).entries())
    await writeFile(join(folder, 'captions', `${i}.txt`), String(caption));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const plan = { steps: 24, checkpointEvery: 6, sampleEvery: 8, sampleCount: 4, batch: 4, seed: 3, threads: 1 };
const CONFIGS: Record<string, object> = {
  'dcgan with a schedule and R1 at every step': {
    system: 'dcgan',
    data: 'photos',
    base: 4,
    latent: 8,
    schedule: 'cosine',
    penalties: { r1: 1 },
  },
  'conditional with lazy R1': {
    system: 'conditional',
    data: 'classes',
    base: 4,
    latent: 8,
    penalties: { r1: { weight: 0.1, every: 5 } },
  },
  'conditional with an auxiliary classifier and feature matching': {
    system: 'conditional',
    data: 'classes',
    base: 4,
    latent: 8,
    conditioning: 'auxiliary',
    featureMatching: { layer: 'conv0' },
  },
  'wgan-gp, critic five times': { system: 'wgan-gp', data: 'photos', base: 4, latent: 8 },
  'pix2pix with dropout': { system: 'pix2pix', data: { kind: 'pairs', path: 'pairs' }, base: 4, dropout: 0.25 },
  'dcgan accumulating, with a plateau, a paced discriminator and ADA': {
    system: 'dcgan',
    data: 'photos',
    base: 4,
    latent: 8,
    accumulate: 2,
    schedules: { rate_d: { kind: 'plateau', watch: 'loss_d', factor: 0.5, patience: 4 } },
    slowD: { above: 0.6 },
    augment: 'ada',
    ada: { pictures: 100 },
    instanceNoise: 0.1,
  },
  'stylegan with lazy R1, path length and ADA': {
    system: 'stylegan',
    data: 'photos',
    base: 2,
    widest: 4,
    latent: 4,
    style: 4,
    depth: 2,
    augment: 'ada',
    ada: { pictures: 100 },
    penalties: { r1: { weight: 0.1, every: 4 } },
    pathLength: { weight: 2, every: 3 },
  },
  'srgan, by pixels and then with a discriminator': {
    system: 'srgan',
    data: 'photos',
    scale: 2,
    base: 4,
    blocks: 1,
    depthD: 1,
    adversarialFrom: 12,
  },
  'text2image on captions': {
    system: 'text2image',
    data: { kind: 'captions', path: 'captions', words: 4, holdout: 0 },
    base: 4,
    latent: 8,
    embedding: 4,
  },
  'cyclegan with pools': {
    system: 'cyclegan',
    data: { kind: 'domains', path: 'sets' },
    base: 4,
    blocks: 1,
    depthD: 1,
    pool: 3,
  },
};

describe.each(Object.entries(CONFIGS))('%s', (name, own) => {
  test(`${KILLS} kills`, async () => {
    const slug = name.replaceAll(/\W+/g, '-');
    const config = { ...plan, ...own } as TrainConfig & typeof plan;
    await train({ ...config, out: slug }, { cwd: folder });
    for (let i = 0; i < KILLS; i++) {
      const [at, delay] = [1 + Math.floor(Math.random() * (plan.steps - 2)), Math.random() * 40];
      const moment = `killed ${delay.toFixed(1)} ms after step ${at}`;
      await killAndResume(child, folder, { ...config, out: `${slug}-${i}` }, { at, delay }).catch((error: unknown) => {
        throw new Error(moment, { cause: error });
      });
      await expectSameRun(folder, plan.steps, [`${slug}-${i}`, slug]).catch((error: unknown) => {
        throw new Error(moment, { cause: error });
      });
    }
  });
});
