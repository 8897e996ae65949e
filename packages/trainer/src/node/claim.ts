// Lets one process at a time write a run's folder: two would mix their logs and replace each other's checkpoints.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ForjaError, messageOf, UsageError } from '@forja/core';

/** The file that says which process writes a folder. It is removed at the end; that of a dead one is replaced. */
const CLAIM = '.writing';

/** Who writes. */
interface Writer {
  pid: number;
  host: string;
  /** When the process began, in the system's own unit, where that can be read: ids of processes are used again. */
  began: string;
}

/** Folders that this process writes. */
const ours = new Set<string>();

/**
 * Claims the folder until the returned function is called. A claim of another machine is not respected, as nothing
 * tells whether that one still runs.
 * @throws UsageError if another process of this machine, or another run of this one, writes the folder; ForjaError
 * `io`.
 */
export async function claim(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, CLAIM);
  const busy = (pid: number): UsageError =>
    new UsageError(
      `train: expected a folder that no other run writes, got ${folder}, which process ${pid} does; ` +
        'wait for its end, or choose another folder',
    );
  if (ours.has(path)) throw busy(process.pid);
  ours.add(path);
  try {
    const own: Writer = { pid: process.pid, host: hostname(), began: await beganOf(process.pid) };
    const write = (flag: 'w' | 'wx'): Promise<void> => writeFile(path, `${JSON.stringify(own)}\n`, { flag });
    await write('wx').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      const other = await writerOf(path);
      if (other && (await isRunning(other, own))) throw busy(other.pid);
      await write('w');
    });
  } catch (error) {
    ours.delete(path);
    if (error instanceof ForjaError) throw error;
    throw new ForjaError('io', `could not write ${path}: ${messageOf(error)}`, { cause: error });
  }
  return async () => {
    ours.delete(path);
    await rm(path, { force: true }).catch(() => undefined); // then it is that of a dead process
  };
}

async function writerOf(path: string): Promise<Writer | undefined> {
  try {
    const { pid, host, began } = JSON.parse(await readFile(path, 'utf8')) as Partial<Record<keyof Writer, unknown>>;
    return Number.isSafeInteger(pid) && Number(pid) > 0 && typeof host === 'string' && typeof began === 'string'
      ? { pid: Number(pid), host, began }
      : undefined;
  } catch {
    return undefined; // cut off by a crash
  }
}

async function isRunning({ pid, host, began }: Writer, own: Writer): Promise<boolean> {
  if (host !== own.host || pid === own.pid) return false; // an earlier process of our id
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false; // the process of another user runs
  }
  return (await beganOf(pid)) === began;
}

/** Field 22 of Linux's /proc/<pid>/stat, behind the name in parentheses; '' elsewhere. */
async function beganOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
