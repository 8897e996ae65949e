// The folder that a job fills: pictures as `forja sample` names them, job.json, and `.shards` with a record a shard.
//
// A shard is made in a folder of its own, `.shards/00003.<random>.making`. Renaming that to `00003.done` commits it: of
// several attempts, one wins. Then the pictures are moved to their places, and the record last. Whoever finds a `.done`
// folder, left by a killed process, moves what is still in it.
import { createHash, randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ForjaError } from '@forja/core';
import { reasonOf } from '../cli/errors.js';
import { writeAside } from '../cli/files.js';
import { pictureName } from '../files/picture-name.js';
import { hasCode } from '../has-code.js';
import { checked, parseJson } from '../serve/check.js';
import { planOf, type Shard } from './plan.js';
import { fileSchema, recordSchema, totalsOf, type JobFile, type ShardRecord } from './record.js';
import type { JobRequest } from './request.js';

const RECORD = 'record.json';

/** Files that are being written at once: the next picture is encoded meanwhile. */
const WRITES = 8;
/** Files that are moved before other work has its turn. A move is a short call: a promise for each would cost more. */
const MOVES = 64;

/** A shard that is being made. */
export interface Making {
  /** Writes picture `index` of the request; resolves once there is room for the next, `commit` once all are written. */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** Puts everything in its place, unless another attempt was first. Resolves to the record that holds. */
  commit(record: ShardRecord): Promise<ShardRecord>;
  /** Removes what was written; after `commit` it does nothing. */
  discard(): Promise<void>;
}

/** The folder of one job. Failures are ForjaErrors `io`. */
export class JobFolder {
  readonly path: string;
  readonly #shards: string;

  constructor(path: string) {
    this.path = path;
    this.#shards = join(path, '.shards');
  }

  /** job.json; undefined if there is none. Throws `usage` if it is something else. */
  async read(): Promise<JobFile | undefined> {
    const path = join(this.path, 'job.json');
    const bytes = await readIfThere(path);
    return bytes && checked(path, fileSchema, parseJson(path, bytes));
  }

  /** Writes job.json aside and renames it. */
  async write(file: JobFile): Promise<void> {
    await writeAside(join(this.path, 'job.json'), `${JSON.stringify(file, undefined, 2)}\n`);
  }

  /** Indices of the shards that have a record. */
  async made(): Promise<Set<number>> {
    const names = await guarded(this.#shards, () => list(this.#shards));
    return new Set(names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number));
  }

  /** Pictures that lie in the folder, by name. */
  async pictures(): Promise<Set<string>> {
    return new Set(await guarded(this.path, () => list(this.path)));
  }

  /**
   * The record of a shard that is made and whose pictures all lie here; finishes the moves of a killed process.
   * Undefined if it is still to be made: without a record, or if pictures were removed since. `there` saves a look at
   * each file.
   */
  async settled(request: JobRequest, shard: Shard, there?: ReadonlySet<string>): Promise<ShardRecord | undefined> {
    const moved = await this.#settle(shard.index);
    const record = await this.record(shard.index);
    if (!record) return undefined;
    for (let i = shard.start; i < shard.start + shard.count; i++) {
      const name = pictureName(i, request.count, request.format);
      const known = there !== undefined && !moved;
      if (known ? !there.has(name) : !(await stat(join(this.path, name)).catch(() => undefined))?.isFile()) {
        await guarded(this.path, () => rm(this.#recordPath(shard.index), { force: true }));
        return undefined;
      }
    }
    return record;
  }

  /** Begins a shard. */
  async begin(request: JobRequest, shard: Shard): Promise<Making> {
    const folder = join(this.#shards, `${digits(shard.index)}.${randomBytes(6).toString('hex')}.making`);
    await guarded(folder, () => mkdir(folder, { recursive: true }));
    const writing = new Set<Promise<void>>();
    return {
      write: async (index, bytes) => {
        const path = join(folder, pictureName(index, request.count, request.format));
        const one = guarded(path, () => writeFile(path, bytes));
        one.then(
          () => writing.delete(one),
          () => undefined, // stays, for the next call to throw it
        );
        writing.add(one);
        if (writing.size >= WRITES) await Promise.race(writing);
      },
      commit: async (record) => {
        await Promise.all(writing);
        const earlier = await this.settled(request, shard);
        if (earlier) return earlier;
        await guarded(folder, () => writeFile(join(folder, RECORD), JSON.stringify(record)));
        await guarded(folder, () => renameUnlessThere(folder, this.#donePath(shard.index)));
        await this.#settle(shard.index);
        return (await this.record(shard.index)) ?? record;
      },
      discard: async () => {
        await Promise.allSettled(writing);
        await rm(folder, { recursive: true, force: true }).catch(() => undefined);
      },
    };
  }

  /**
   * Writes all records to job.json, once every shard is made; undefined before. Called by whoever may have made the
   * last one.
   */
  async collect(file: JobFile): Promise<JobFile | undefined> {
    const shards = planOf(file.request);
    if ((await this.made()).size < shards.length) return undefined;
    const records: ShardRecord[] = [];
    for (const { index } of shards) {
      await this.#settle(index);
      const record = await this.record(index);
      if (!record) return undefined;
      records.push(record);
    }
    const collected: JobFile = { ...file, done: totalsOf(records), shards: records };
    await this.write(collected);
    return collected;
  }

  /** Whether the files of a shard still have the digest of its record. */
  async intact({ count: of, format }: JobRequest, { start, count, sha256 }: ShardRecord): Promise<boolean> {
    const hash = createHash('sha256');
    for (let i = start; i < start + count; i++) {
      const bytes = await readIfThere(join(this.path, pictureName(i, of, format)));
      if (!bytes) return false;
      hash.update(bytes);
    }
    return hash.digest('hex') === sha256;
  }

  /** Removes what killed processes left; only when nobody works on the job. */
  async clean(): Promise<void> {
    for (const name of await guarded(this.#shards, () => list(this.#shards)))
      if (name.endsWith('.making')) await rm(join(this.#shards, name), { recursive: true, force: true });
  }

  /** The record of a shard that is made, without a look at its pictures. */
  async record(index: number): Promise<ShardRecord | undefined> {
    const path = this.#recordPath(index);
    const bytes = await readIfThere(path);
    return bytes && checked(path, recordSchema, parseJson(path, bytes));
  }

  /** Moves what is committed to its place; whether there was anything. Several processes may do so at once. */
  async #settle(index: number): Promise<boolean> {
    const done = this.#donePath(index);
    return guarded(this.path, async () => {
      const names = await list(done);
      if (names.length === 0) return false;
      for (const [i, name] of names.entries()) {
        if (name !== RECORD) move(join(done, name), join(this.path, name));
        if (i % MOVES === MOVES - 1) await setImmediate();
      }
      move(join(done, RECORD), this.#recordPath(index));
      await rmdir(done).catch(() => undefined); // removed by another process, or filled by a later attempt
      return true;
    });
  }

  #recordPath(index: number): string {
    return join(this.#shards, `${digits(index)}.json`);
  }

  #donePath(index: number): string {
    return join(this.#shards, `${digits(index)}.done`);
  }
}

function digits(index: number): string {
  return String(index).padStart(5, '0');
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Moves a file unless another process has. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw ioError(to, error);
  }
}

/** Renames a folder, unless one that is not empty has that name, or had it just now. */
async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].some((code) => hasCode(error, code))) return;
    const taken = hasCode(error, 'EPERM') && (await list(to)).length > 0; // Windows
    if (!taken) throw error;
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return guarded(path, async () => {
    try {
      return await readFile(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  });
}

/** Turns what the system refuses into an error of ours. */
async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ForjaError) throw cause;
    throw ioError(path, cause);
  }
}

function ioError(path: string, cause: unknown): ForjaError {
  return new ForjaError('io', `jobs: cannot read or write ${path}: ${reasonOf(cause)}`, { cause });
}
