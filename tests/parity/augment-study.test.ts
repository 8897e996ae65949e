// `forja augment` at toy size: a folder of pictures with classes in, a synthetic set and figures out; stopped and gone
// on with, to the same figures.
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CliIo } from '@forja/core';
import { loadData, readFields } from '@forja/trainer/node';
import { augmentCommand } from '../../packages/trainer/src/node/augment-command.js';
import { folderNames, writeClassFolders } from '../../packages/trainer/src/node/class-folders.js';
import { quietIo } from '../../packages/trainer/src/node/quiet-io.support.js';

const CLASSES = ['across', 'down'];
const COUNT = 40;
let cwd: string;
let lines: string[] = [];
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'forja-augment-'));
  // horizontal or vertical bright lines at random places: no single pixel tells the class
  const images = new Float32Array(COUNT * 64).fill(-1);
  for (let i = 0; i < COUNT; i++)
    for (let k = 0; k < 8; k++) {
      const line = (i * 5) % 8;
      images[i * 64 + (i % 2 === 0 ? line * 8 + k : k * 8 + line)] = 1 - (i % 3) / 10;
    }
  const labels = Int32Array.from({ length: COUNT }, (_, i) => i % 2);
  await writeClassFolders(join(cwd, 'pictures'), { count: COUNT, shape: [8, 8, 1], images, labels }, CLASSES);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const io = (signal: AbortSignal = new AbortController().signal, onLine: (line: string) => void = () => {}): CliIo =>
  quietIo({
    cwd,
    signal,
    print: (line = '') => void lines.push(line),
    warn: (line) => void lines.push(`warn ${line}`),
    progress: (_, title) => ({ update: (done, text) => onLine(`${title} ${done} ${text}`), stop: () => {} }),
  });

const TINY = {
  data: 'pictures',
  perClass: 5,
  count: 3,
  steps: 2,
  batch: 4,
  base: 4,
  latent: 4,
  seeds: 1,
  classifierSteps: 40,
  threads: 1,
};

const results = async (folder: string) =>
  JSON.parse(await readFile(join(cwd, folder, 'results.json'), 'utf8')) as {
    runs: { arm: string; accuracy: number; loss: number }[];
    test: { count: number };
  };

test('a study: sets as folders, figures of four ways to train, gone on with to the same', async () => {
  expect(await augmentCommand.run({ ...TINY, out: 'set', onlySet: true }, io())).toMatchObject({
    reason: 'finished',
    sets: [join(cwd, 'set', 'subset-0', 'synthetic')],
    arms: [],
  });
  expect((await readdir(join(cwd, 'set', 'subset-0'))).sort()).toEqual(['gan', 'pictures.png', 'real', 'synthetic']);
  for (const [set, count] of [
    ['real', 10],
    ['synthetic', 6],
  ] as const) {
    const made = await loadData({ data: join(cwd, 'set', 'subset-0', set) }, cwd);
    expect([made.count, made.fields['label']?.classes, made.fields['image']?.shape]).toEqual([
      count,
      CLASSES,
      [8, 8, 1],
    ]);
    const { label = [] } = await readFields(made, [...Array(count).keys()], ['label']);
    expect([...label].filter((value) => value === 1)).toHaveLength(count / 2);
  }

  await cp(join(cwd, 'set'), join(cwd, 'whole'), { recursive: true });

  // stopped after the second classifier
  const abort = new AbortController();
  const stopped = await augmentCommand.run(
    { resume: 'set' },
    io(abort.signal, (line) => line.startsWith('classifiers 2') && abort.abort()),
  );
  expect(stopped).toMatchObject({ reason: 'interrupted' });
  const before = (await results('set')).runs;
  expect(before.map(({ arm }) => arm)).toEqual(['real', 'classical']);
  lines = [];
  const end = await augmentCommand.run({ resume: 'set' }, io());
  expect(end).toMatchObject({ reason: 'finished' });
  const { runs, test: tested } = await results('set');
  expect(tested.count).toBe(8); // a fifth
  expect(runs.slice(0, 2)).toEqual(before);
  expect(runs.map(({ arm }) => arm)).toEqual(['real', 'classical', 'gan', 'both']);
  // lines across and down are learned from five of each; by chance it would be a half
  expect(runs[0]?.accuracy).toBeGreaterThanOrEqual(7 / 8);
  expect(runs[0]?.loss).toBeLessThan(0.3);
  expect(lines.filter((line) => line.startsWith('|'))).toHaveLength(6);

  // the same in one go
  await augmentCommand.run({ resume: 'whole' }, io());
  expect((await results('whole')).runs).toEqual(runs);
});

test.each([
  ['nothing', {}, 'usage', /--data/],
  ['no folder', { data: 'pictures' }, 'usage', /--out/],
  ['data without classes', { data: 'pictures/across', out: 'x' }, 'data.field', /label/],
  ['more than there are', { ...TINY, perClass: 50, out: 'x' }, 'config.invalid', /--per-class: .*class 'across'/],
  ['too many', { ...TINY, count: 60_000, out: 'x' }, 'input.range', /--count: expected at most 50000/],
  ['a batch that is none', { ...TINY, batch: 1, out: 'x' }, 'config.invalid', /config\.batch/],
  ['an unknown augmentation', { ...TINY, classical: 'spin', out: 'x' }, 'config.invalid', /spin/],
  ['a folder in use', { ...TINY, out: 'pictures' }, 'usage', /new or empty/],
  ['a folder of no study', { resume: 'pictures' }, 'usage', /study\.json/],
  ['other options beside --resume', { resume: 'set', perClass: 3, base: 8 }, 'usage', /got perClass, base/],
])('refuses %s, and writes nothing', async (_, args, code, message) => {
  const before = await readdir(cwd);
  await expect(augmentCommand.run(args, io())).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
  expect(await readdir(cwd)).toEqual(before);
});

test('folders of classes have their names where those sort as the classes do, else numbers before them', () => {
  expect(folderNames(['cat', 'dog'])).toEqual(['cat', 'dog']);
  expect(folderNames(['zero', 'one'])).toEqual(['0-zero', '1-one']);
  expect(folderNames(['T-shirt/top', 'Trouser'])).toEqual(['0-T-shirt-top', '1-Trouser']);
});
