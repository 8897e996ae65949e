// A run's folder in a state that no run leaves: files of people or other programs in it, and damaged records.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { encodeCheckpoint } from '../records/checkpoint.js';
import { FolderStore } from './folder-store.js';
import { jsonOf } from './train.js';

const root = await mkdtemp(join(tmpdir(), 'forja-store-'));
afterAll(() => rm(root, { recursive: true, force: true }));

it('uses the newest whole checkpoint where a folder or a name with zeros is in its place', async () => {
  const folder = join(root, 'checkpoints');
  await mkdir(join(folder, 'checkpoint-10'), { recursive: true });
  await writeFile(join(folder, 'checkpoint-0009'), '');
  const head = { step: 6, seed: 0, batch: 4, count: 9, seconds: 1, system: 'mlp', environment: {} };
  await writeFile(join(folder, 'checkpoint-6'), await encodeCheckpoint({ ...head, state: {} }));
  const { step, damaged } = await new FolderStore(folder).newest();
  expect(step).toBe(6);
  expect(damaged).toEqual([
    expect.stringContaining(`${join(folder, 'checkpoint-10')}: could not be read`),
    expect.stringContaining('checkpoint-9'),
  ]);
});

it.each(['{', 'null', '5', '[null, 5, {}]', ''])('has no sessions where their file holds %s', async (text) => {
  const folder = await mkdtemp(join(root, 'sessions-'));
  await writeFile(join(folder, 'sessions.json'), text);
  expect(await new FolderStore(folder).sessions()).toEqual([]);
});

it('reads JSON with a byte order mark, as some editors write it', () => {
  expect(jsonOf('\uFEFF{"system":"mlp"}', 'config.json')).toEqual({ system: 'mlp' });
});
