// Disks that refuse a run: a folder that may not be written, and a disk that is full while a checkpoint is written. One
// sentence, code `io`, and the checkpoint before it stays.
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCheckpoint } from '../../packages/trainer/src/records/checkpoint.js';
import { resume, train } from '@forja/trainer/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logOf, startTraining, tensorsOf } from './support/runs.js';
import { bundleTrainChild } from './support/train-bundle.js';

const config = { system: 'mlp', data: 'ring', batch: 8, base: 4, threads: 1, steps: 8, checkpointEvery: 2 } as const;
const quiet = { sampleEvery: 0, seed: 3 } as const;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-disk-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a run into a folder that may not be written leaves nothing, and says where', async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows: folders have no mode that forbids new files in them');
  const locked = join(folder, 'locked');
  await mkdir(locked);
  await chmod(folder, 0o755);
  await chmod(locked, 0o555);
  // root may write everywhere, so it trains as somebody else
  const uid = process.getuid?.() === 0 ? 65534 : undefined;
  const args = ['train', JSON.stringify({ ...config, ...quiet, out: 'locked/run' })];
  const { lines, end } = startTraining(await bundleTrainChild(), folder, args, undefined, uid);
  expect(await end).toEqual({ code: 1, signal: null });
  const { error, code } = lines.at(-1) ?? {};
  expect(code).toBe('io');
  expect(error).toMatch(/^could not make the folder .*locked.run: EACCES.*; choose a folder/);
  expect(await readdir(locked)).toEqual([]);
});

test('a disk that is full during a checkpoint stops the run; a resume from the one before gives the same bits', async ({
  skip,
}) => {
  skip(process.platform !== 'linux', `${process.platform}: no /dev/full, on which each write finds the disk full`);
  await train({ ...config, ...quiet, out: 'whole' }, { cwd: folder });
  const run = join(folder, 'full');
  const failed = train(
    { ...config, ...quiet, out: 'full' },
    {
      cwd: folder,
      onEvent: async ({ type, ...event }) => {
        // the name under which the next checkpoint is written before it is renamed
        if (type === 'checkpoint' && 'step' in event && event.step === 4)
          await symlink('/dev/full', join(run, `checkpoint-6.${process.pid}.tmp`));
      },
    },
  );
  await expect(failed).rejects.toRefuse('io', 'write a checkpoint', run, 'ENOSPC', '--resume');
  await expect(failed).rejects.not.toThrow('\n');
  expect((await readdir(run)).filter((name) => name.includes('checkpoint') || name.endsWith('.tmp')).sort()).toEqual([
    'checkpoint-2',
    'checkpoint-4',
  ]);
  const kept = new Uint8Array(await readFile(join(run, 'checkpoint-4')));
  expect(await decodeCheckpoint(kept)).toMatchObject({ step: 4 });

  expect(await resume('full', { cwd: folder })).toMatchObject({ step: 8, reason: 'finished' });
  const whole = join(folder, 'whole');
  expect((await tensorsOf(run, 8)).equals(await tensorsOf(whole, 8))).toBe(true);
  expect(await logOf(run)).toEqual(await logOf(whole));
});
