// forja runs: what it lists of folders as a run leaves them, whole and cut off by a crash, and the page that it writes.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '@forja/core';
import { afterAll, expect, it } from 'vitest';
import { quietIo } from './quiet-io.support.js';
import { runsCommand } from './runs-command.js';

const cwd = await mkdtemp(join(tmpdir(), 'forja-runs-'));
afterAll(() => rm(cwd, { recursive: true, force: true }));
const printed: string[] = [];
const io = quietIo({ cwd, print: (line = '') => void printed.push(line) });

const facts = { output: 'generator', extractor: 'digits', sha256: 'abc', resize: 'none', made: 5, real: 5 };
/** A folder with two lines of the log, the second of which may be cut off, and two measurements. */
async function runAt(name: string, rate: number, whole: boolean): Promise<void> {
  const folder = join(cwd, name);
  await mkdir(folder, { recursive: true });
  const data = { kind: 'synthetic', shape: 'ring' };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ system: 'mlp', data, steps: 2, rates: { g: rate } }));
  const lines = [1, 2].map((step) =>
    JSON.stringify({ step, scalars: { loss_g: step * rate }, rates: {}, images_per_s: 8, seconds: step }),
  );
  await writeFile(join(folder, 'log.jsonl'), `${lines[0]}\n${whole ? `${lines[1]}\n` : lines[1]?.slice(0, 20)}`);
  const scores = [{ frechet: 0.25 }, { frechet: 4 * rate, frechet_sd: null }];
  const measured = scores.map((score, i) => JSON.stringify({ step: i + 1, ...facts, scores: score }));
  await writeFile(join(folder, 'measures.jsonl'), `${measured.join('\n')}\n`);
  if (whole) await writeFile(join(folder, 'report.html'), '');
}
await runAt('runs/first', 0.5, true);
await runAt('runs/second', 0.125, false);
await runAt('others/third', 0.25, true);
await mkdir(join(cwd, 'runs/none'));

it('lists the runs of a folder', async () => {
  printed.length = 0;
  const listed = await runsCommand.run({}, io);
  expect(listed).toEqual({
    runs: [
      expect.objectContaining({
        folder: join('runs', 'first'),
        steps: 2,
        of: 2,
        finished: true,
        scores: { frechet: 2, frechet_sd: null },
      }),
      expect.objectContaining({ folder: join('runs', 'second'), steps: 1, of: 2, finished: false }),
    ],
  });
  expect(printed).toHaveLength(2);
  expect(printed[0]).toMatch(/first {3}mlp on ring {2}step 2 of 2, finished {2}2 s {2}frechet 2$/);
});

it('lists a finished run that was resumed for more steps as unfinished, and named data by name', async () => {
  await runAt('resumed/longer', 0.5, true);
  const config = { system: 'mlp', data: { kind: 'set', name: 'emoji' }, steps: 9, logEvery: 2 };
  await writeFile(join(cwd, 'resumed/longer/config.json'), JSON.stringify(config));
  const listed = async (): Promise<unknown> => runsCommand.run({ folders: ['resumed'] }, io);
  const found = { data: 'emoji', steps: 2, of: 9, finished: false };
  expect(await listed()).toEqual({ runs: [expect.objectContaining(found)] });
  await writeFile(join(cwd, 'resumed/longer/checkpoint-9'), ''); // the log may not have the last step
  expect(await listed()).toEqual({ runs: [expect.objectContaining({ ...found, steps: 9, finished: true })] });
});

it('compares two and more in one page', async () => {
  for (const folders of [
    ['runs/first', 'runs/second'],
    ['runs', 'others/third'],
  ]) {
    const { page } = (await runsCommand.run({ folders, out: 'c.html' }, io)) as { page: string };
    const html = await readFile(page, 'utf8');
    const charts = JSON.parse(/const charts = (\[.*\]);/.exec(html)?.[1] ?? '') as {
      name: string;
      lines: { name: string; step: number[]; values: number[] }[];
    }[];
    const loss = charts.find(({ name }) => name === 'loss_g')?.lines;
    expect(loss?.slice(0, 2)).toMatchObject([
      { name: join('runs', 'first'), step: [1, 2], values: [0.5, 1] },
      { name: join('runs', 'second'), step: [1], values: [0.125] },
    ]);
    expect(loss).toHaveLength(folders.length === 2 && folders[0] === 'runs' ? 3 : 2);
    expect(html).toContain('<td>rates.g</td><td>0.5</td><td>0.125</td>');
    expect(html).toContain('<td>frechet, best</td><td>0.25 at step 1</td><td>0.25 at step 1</td>');
  }
});

it('refuses a folder without runs, and a missing one', async () => {
  await expect(runsCommand.run({ folders: ['runs/none'] }, io)).rejects.toMatchObject({ code: 'usage' });
  await expect(runsCommand.run({ folders: ['nowhere'] }, io)).rejects.toMatchObject({ code: 'usage' });
  // beside a folder that has runs, too
  await expect(runsCommand.run({ folders: ['runs', 'runs/none'] }, io)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('runs/none') as string,
  });
});

it('lists the other runs where one is damaged, and refuses it where it is named', async () => {
  const warned: string[] = [];
  const telling: CliIo = { ...io, warn: (line) => void warned.push(line) };
  for (const [i, text] of ['null', '[]', '{', '"mlp"'].entries()) {
    const folder = join('damaged', String(i));
    await mkdir(join(cwd, folder), { recursive: true });
    await writeFile(join(cwd, folder, 'config.json'), text);
    await expect(runsCommand.run({ folders: [folder] }, io)).rejects.toMatchObject({ code: 'config.invalid' });
  }
  await runAt('damaged/whole', 0.5, true);
  await writeFile(join(cwd, 'damaged/whole/log.jsonl'), 'null\n5\n[]\n{"step":"x"}\n{"step":7,"seconds":1}\n');
  const { runs } = (await runsCommand.run({ folders: ['damaged'] }, telling)) as { runs: unknown[] };
  expect(runs).toEqual([expect.objectContaining({ folder: join('damaged', 'whole'), steps: 7 })]);
  expect(warned).toHaveLength(4);
  expect(warned[0]).toContain(join(cwd, 'damaged', '0', 'config.json'));
});
