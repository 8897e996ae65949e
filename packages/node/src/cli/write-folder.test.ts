// Pictures into a folder as they come: the same as `sample` gives, few at once, and what a failed write leaves.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Image, type CliIo } from '@forja/core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smallGenerator } from '../../vitest.support.js';
import { load } from '../index.js';
import { main } from './main.js';
import { writeFolder } from './pictures.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'forja-folder-'));
  await writeFile(join(cwd, 'g.onnx'), smallGenerator());
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const io = (signal = new AbortController().signal): CliIo =>
  ({ signal, progress: () => ({ update: () => {}, stop: () => {} }) }) as unknown as CliIo;
const dot = (value: number): Image => new Image(1, 1, 1, Uint8ClampedArray.of(value));

test('forja sample into a folder writes what sample() gives, over several runs', async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const args = ['sample', 'g.onnx', '-n', '40', '-s', '7', '-o', 'made', '--device', 'cpu', '--threads', '1'];
  expect(await main(args, { cwd, stdout, stderr })).toBe(0);
  const generator = await load(join(cwd, 'g.onnx'), { device: 'cpu', threads: 1, deterministic: true });
  const batch = await generator.sample({ seed: 7, count: 40 });
  await generator.dispose();
  const names = (await readdir(join(cwd, 'made'))).sort();
  expect(names).toHaveLength(40);
  for (const [i, name] of names.entries()) {
    const { data } = PNG.sync.read(await readFile(join(cwd, 'made', name)));
    const rgb = Array.from(data).filter((_, k) => k % 4 !== 3);
    expect(rgb).toEqual(Array.from(batch.at(i).data));
  }
});

test('takes a picture when the one before is written', async () => {
  let taken = 0;
  let most = 0;
  const written = async (): Promise<number> => (await readdir(join(cwd, 'few')).catch(() => [])).length;
  async function* pictures(): AsyncGenerator<Image> {
    for (; taken < 60; taken++) {
      most = Math.max(most, taken - (await written()));
      yield dot(taken);
    }
  }
  const files = await writeFolder(pictures(), 60, join(cwd, 'few'), io());
  expect([files.length, await written()]).toEqual([60, 60]);
  expect(most).toBeLessThanOrEqual(1);
});

test('a timer fires between pictures that take long, so that Ctrl-C is heard', async () => {
  const interrupt = new AbortController();
  function* slow(): Generator<Image> {
    for (let i = 0; i < 50; i++) {
      if (i === 1) setTimeout(() => interrupt.abort(), 1);
      const until = performance.now() + 60;
      while (performance.now() < until); // as encoding a large picture does
      yield dot(i);
    }
  }
  const folder = join(cwd, 'interrupted');
  await expect(writeFolder(slow(), 50, folder, io(interrupt.signal))).rejects.toMatchObject({ code: 'aborted' });
  expect((await readdir(folder)).length).toBeLessThan(50);
});

test('a picture that cannot be written ends the call; all before it are whole', async () => {
  const folder = join(cwd, 'stuck');
  await mkdir(join(folder, '0005.png', 'in-the-way'), { recursive: true });
  const pictures = Array.from({ length: 20 }, (_, i) => dot(i));
  await expect(writeFolder(pictures, 20, folder, io())).rejects.toMatchObject({ code: 'io' });
  const names = (await readdir(folder)).sort();
  expect(names).toEqual(Array.from({ length: 6 }, (_, i) => `000${i}.png`));
  for (const name of names.filter((one) => one !== '0005.png'))
    expect(PNG.sync.read(await readFile(join(folder, name))).data[0]).toBe(parseInt(name, 10));
});

test('an interruption ends it, and leaves whole files', async () => {
  const control = new AbortController();
  async function* pictures(): AsyncGenerator<Image> {
    for (let i = 0; i < 20; i++) {
      if (i === 10) control.abort();
      yield dot(i);
    }
  }
  const folder = join(cwd, 'stopped');
  await expect(writeFolder(pictures(), 20, folder, io(control.signal))).rejects.toMatchObject({ code: 'aborted' });
  expect((await readdir(folder)).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `000${i}.png`));
});
