// Ensures that only one process at a time writes a run's folder: two would mix their logs and replace each other's
// checkpoints.
import { randomBytes } from 'node:crypto';
import { constants, copyFile, link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { ForjaError, messageOf, UsageError } from '@forja/core';

/**
 * The file `.writing-<n>` says which process writes a folder, and is removed at the end. If a process has died and left
 * its file behind, the next process creates a file with the next number, which only one process can create. Deleting
 * the old file and creating it again under the same name would not be safe, because another process may do the same at
 * that moment.
 */
const CLAIM = '.writing';

/** The process that writes a folder. */
interface Writer {
  pid: number;
  host: string;
  /**
   * When the process began, in the system's own unit; '' where that cannot be read. Needed because process ids are
   * reused.
   */
  began: string;
}

/** Folders that this process writes. */
const ours = new Set<string>();

/**
 * Claims the folder until the returned function is called. A claim made on another machine is ignored, because there is
 * no way to tell whether its process still runs.
 * @throws UsageError if another process of this machine, or another run of this one, writes the folder; ForjaError
 * `io`.
 */
export async function claim(folder: string): Promise<() => Promise<void>> {
  const key = resolve(folder);
  const busy = (pid: number): UsageError =>
    new UsageError(
      `train: expected a folder that no other run is writing, got ${folder}, which process ${pid} is writing; ` +
        'wait until it ends, or choose another folder',
    );
  if (ours.has(key)) throw busy(process.pid);
  ours.add(key);
  let path: string;
  try {
    const own: Writer = { pid: process.pid, host: hostname(), began: await beganOf(process.pid) };
    const found = await claimed(folder, own);
    if (typeof found !== 'string') throw busy(found.pid);
    path = found;
  } catch (error) {
    ours.delete(key);
    if (error instanceof ForjaError) throw error;
    throw new ForjaError('io', `could not claim ${folder}: ${messageOf(error)}`, { cause: error });
  }
  return async () => {
    ours.delete(key);
    await rm(path, { force: true }).catch(() => undefined); // a remaining file counts as a dead process's claim
  };
}

/** Writes our claim and returns its path, or returns the writer of another claim if that process still runs. */
async function claimed(folder: string, own: Writer): Promise<string | Writer> {
  const aside = join(folder, `${CLAIM}.${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(aside, `${JSON.stringify(own)}\n`); // complete before it gets its final name
    for (;;) {
      const dead = await numbersIn(folder);
      const running = await runningOf(folder, dead, own);
      if (running) return running;
      // Of several processes that find the same dead claims, one gets the next number. Another one, which found none,
      // may have started at 1, also in place of a claim that was dead here: whoever sees another withdraws and looks
      // again.
      const next = (dead.at(-1) ?? 0) + 1;
      const path = pathOf(folder, next);
      if (!(await named(aside, path))) continue;
      const others = (await numbersIn(folder)).filter((number) => number !== next);
      if (await runningOf(folder, others, own)) {
        await rm(path, { force: true });
        continue;
      }
      for (const number of dead) await rm(pathOf(folder, number), { force: true }).catch(() => undefined);
      return path;
    }
  } finally {
    await rm(aside, { force: true }).catch(() => undefined);
  }
}

const pathOf = (folder: string, number: number): string => join(folder, `${CLAIM}-${number}`);

/** Numbers of the claims in the folder, ascending. */
async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => (name.startsWith(`${CLAIM}-`) ? Number(name.slice(CLAIM.length + 1)) : []))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

/** The first writer that still runs, among the claims with these numbers. */
async function runningOf(folder: string, numbers: readonly number[], own: Writer): Promise<Writer | undefined> {
  for (const number of numbers) {
    const writer = await writerOf(pathOf(folder, number));
    if (writer && (await isRunning(writer, own))) return writer;
  }
  return undefined;
}

/** Gives a file an additional name; returns false if a file of that name exists already. */
async function named(file: string, name: string): Promise<boolean> {
  const unlessThere = (error: NodeJS.ErrnoException): false => {
    if (error.code === 'EEXIST') return false;
    throw error;
  };
  return link(file, name).then(
    () => true,
    (error: NodeJS.ErrnoException) =>
      // some file systems do not support hard links
      error.code === 'EEXIST' ? false : copyFile(file, name, constants.COPYFILE_EXCL).then(() => true, unlessThere),
  );
}

async function writerOf(path: string): Promise<Writer | undefined> {
  try {
    const { pid, host, began } = JSON.parse(await readFile(path, 'utf8')) as Partial<Record<keyof Writer, unknown>>;
    return Number.isSafeInteger(pid) && Number(pid) > 0 && typeof host === 'string' && typeof began === 'string'
      ? { pid: Number(pid), host, began }
      : undefined;
  } catch {
    return undefined; // removed meanwhile, or damaged by a crash
  }
}

async function isRunning({ pid, host, began }: Writer, own: Writer): Promise<boolean> {
  if (host !== own.host || pid === own.pid) return false; // another host, or an earlier process with our id
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false; // it runs, as another user's process
  }
  return (await beganOf(pid)) === began;
}

/**
 * A process's start time: field 22 of Linux's /proc/<pid>/stat, counted after the name in parentheses; '' on other
 * systems.
 */
async function beganOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
