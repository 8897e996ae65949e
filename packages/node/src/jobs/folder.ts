// A job's folder: pictures with the names that `forja sample` gives, job.json, and `.shards` with a record per shard.
//
// A shard is made in its own folder, `.shards/00003.<random>.making`. Renaming that to `00003.done` commits it; then
// its pictures are moved to their final names, and its record is copied to `00003.json`. The committed folder and the
// record in it are kept until `clean`, so that a late attempt cannot take the name again.
import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ForjaError } from '@forja/core';
import { pictureName } from '../files/picture-name.js';
import { makeFolder } from '../files/make-folder.js';
import { reasonOf } from '../files/reason.js';
import { turns } from '../files/turns.js';
import { writeAside } from '../files/write-aside.js';
import { hasCode } from '../has-code.js';
import { checked, parseJson } from '../serve/check.js';
import type { Shard } from './plan.js';
import { fileSchema, recordSchema, type JobFile, type ShardRecord } from './record.js';
import type { JobRequest } from './request.js';
import { digits, settled, type Making, type Sink } from './sink.js';

const RECORD = 'record.json';

/** The folder of one job. */
export class JobFolder implements Sink {
  readonly address: string;
  readonly pauseMs: number = 0;
  readonly #shards: string;

  constructor(path: string) {
    this.address = path;
    this.#shards = join(path, '.shards');
  }

  async read(): Promise<JobFile | undefined> {
    const path = join(this.address, 'job.json');
    const bytes = await readIfThere(path);
    return bytes && checked(path, fileSchema, parseJson(path, bytes));
  }

  async write(file: JobFile): Promise<void> {
    await writeAside(join(this.address, 'job.json'), `${JSON.stringify(file, undefined, 2)}\n`);
  }

  async made(): Promise<Set<number>> {
    const names = await guarded(this.#shards, () => list(this.#shards));
    return new Set(names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number));
  }

  async pictures(): Promise<Set<string>> {
    return new Set(await guarded(this.address, () => list(this.address)));
  }

  async picture(name: string): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.address, name));
  }

  async holds(names: readonly string[]): Promise<boolean> {
    for (const name of names)
      if (!(await stat(join(this.address, name)).catch(() => undefined))?.isFile()) return false;
    return true;
  }

  async begin(request: JobRequest, shard: Shard): Promise<Making> {
    const folder = join(this.#shards, `${digits(shard.index)}.${randomBytes(6).toString('hex')}.making`);
    await guarded(folder, () => makeFolder(folder));
    return {
      write: async (index, bytes) => {
        const path = join(folder, pictureName(index, request.count, request.format));
        // synchronously, because passing each file to another thread takes longer than writing it
        await guarded(path, async () => writeFileSync(path, bytes));
      },
      commit: async (record) => {
        const earlier = await settled(this, request, shard);
        if (earlier) return earlier;
        await guarded(folder, () => writeFile(join(folder, RECORD), JSON.stringify(record)));
        await guarded(folder, () => renameUnlessThere(folder, this.#donePath(shard.index)));
        await this.finish(shard.index);
        return (await this.record(shard.index)) ?? record;
      },
      discard: async () => {
        await rm(folder, { recursive: true, force: true }).catch(() => undefined);
      },
    };
  }

  async clean(): Promise<void> {
    for (const name of await guarded(this.#shards, () => list(this.#shards)))
      if (['.making', '.done', '.tmp'].some((end) => name.endsWith(end)))
        await rm(join(this.#shards, name), { recursive: true, force: true });
  }

  async forget(index: number): Promise<void> {
    // Remove the commit first: another process would finish a commit that has no record.
    for (const path of [this.#donePath(index), this.#recordPath(index)])
      await guarded(path, () => rm(path, { recursive: true, force: true }));
  }

  async record(index: number): Promise<ShardRecord | undefined> {
    const path = this.#recordPath(index);
    const bytes = await readIfThere(path);
    return bytes && checked(path, recordSchema, parseJson(path, bytes));
  }

  async finish(index: number): Promise<boolean> {
    const done = this.#donePath(index);
    return guarded(this.address, async () => {
      const pictures = (await list(done)).filter((name) => name !== RECORD);
      const turn = turns();
      for (const name of pictures) {
        move(join(done, name), join(this.address, name));
        await turn();
      }
      if (pictures.length === 0 && (await this.record(index))) return false;
      const record = await readIfThere(join(done, RECORD));
      if (!record) return false;
      await writeAside(this.#recordPath(index), record);
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

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Moves a file, unless another process has moved it already. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw ioError(to, error);
  }
}

/** Renames a folder, unless a folder of that name exists and is not empty. */
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

/** Turns system errors into ForjaErrors. */
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
