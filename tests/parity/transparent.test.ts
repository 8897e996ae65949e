// Pictures with transparency from files to files: a run on 4 channels in Node, whose generator makes RGBA.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { latents } from '@forja/core';
import { load } from '@forja/node';
import { train } from '@forja/trainer/node';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'forja-transparent-'));
  await mkdir(join(cwd, 'stickers'));
  for (let i = 0; i < 6; i++) {
    const data = Uint8Array.from({ length: 256 }, (_, at) => (at % 4 === 3 ? (at + i) % 256 : (40 * i + at) % 256));
    await sharp(data, { raw: { width: 8, height: 8, channels: 4 } }).toFile(join(cwd, 'stickers', `${i}.png`));
  }
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

test.each(['dcgan', 'resnet'] as const)('%s', async (system) => {
  const data = { kind: 'folder', path: 'stickers', channels: 4 } as const;
  const small = { base: 2, latent: 4, batch: 2, steps: 2, sampleEvery: 1, sampleCount: 4, threads: 1, out: system };
  const { exportError = NaN, store } = await train({ system, data, ...small }, { cwd });
  expect(exportError).toBeLessThan(1e-4);
  const [grid] = await store.samples();
  expect((await sharp(grid!.png).metadata()).channels).toBe(4);
  const generator = await load(join(cwd, system, 'generator.onnx'), { device: 'cpu', threads: 1 });
  expect(generator.manifest.outputs[0]?.shape).toEqual(['batch', 4, 8, 8]);
  const { image } = await generator.run({ z: latents(5, 0, 1, 4) });
  const [values, picture] = [image!.data as Float32Array, (await generator.sample({ count: 1, seed: 5 })).at(0)];
  const decoded = await sharp(await picture.toPNG())
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(decoded.info).toMatchObject({ width: 8, height: 8, channels: 4 });
  const expected = Array.from({ length: 256 }, (_, i) => 127.5 * (values[64 * (i % 4) + Math.floor(i / 4)]! + 1));
  expect([...decoded.data]).toBeAllclose(expected, { atol: 1 });
  await generator.dispose();
});
