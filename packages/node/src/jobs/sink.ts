// Where a job's pictures go: the interface of a sink, and functions that work on any sink. The implementations are
// folder.ts and s3.ts; sinks.ts opens them by address.
//
// A sink has pictures with the names that `forja sample` gives, job.json, and a record per shard. A shard is made in a
// separate folder, then committed in one atomic step, which only one attempt can win, then moved to its final names;
// its record is written last. If a process was killed in between, the shard is committed but has no record; whoever
// finds that finishes the moves.
import { createHash } from 'node:crypto';
import { pictureName } from '../files/picture-name.js';
import { planOf, type Shard } from './plan.js';
import { totalsOf, type JobFile, type ShardRecord } from './record.js';
import type { JobRequest } from './request.js';

/** A shard that is being made. */
export interface Making {
  /**
   * Writes picture `index` of the request; resolves when the next may be written. `commit` waits until all are written.
   */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /**
   * Commits the shard and moves it to its final names, unless another attempt committed first. Resolves to the record
   * of the attempt that won.
   */
  commit(record: ShardRecord): Promise<ShardRecord>;
  /** Removes what this attempt wrote, unless it was committed. */
  discard(): Promise<void>;
}

/** The storage of one job. Failures are ForjaErrors `io`. */
export interface Sink {
  /** Path of a folder, or `s3://bucket/prefix`; the same on every machine. */
  readonly address: string;
  /** Milliseconds between two checks of a follower; each check of a store costs a request. */
  readonly pauseMs: number;
  /** job.json; undefined if there is none. Throws `usage` if it is something else. */
  read(): Promise<JobFile | undefined>;
  /** Writes job.json atomically. */
  write(file: JobFile): Promise<void>;
  /** Names of the existing pictures. */
  pictures(): Promise<Set<string>>;
  /** The bytes of a picture; undefined if there is none. */
  picture(name: string): Promise<Uint8Array | undefined>;
  /** Whether all of these pictures exist. */
  holds(names: readonly string[]): Promise<boolean>;
  /** Begins a shard. */
  begin(request: JobRequest, shard: Shard): Promise<Making>;
  /**
   * Moves the pictures of a committed shard to their final names; returns whether there was such a shard. Several
   * processes may do so concurrently.
   */
  finish(index: number): Promise<boolean>;
  /** Indices of the shards that have a record. */
  made(): Promise<Set<number>>;
  /** The record of a shard; does not check its pictures. */
  record(index: number): Promise<ShardRecord | undefined>;
  /** Removes a record, so that the shard is made again. */
  forget(index: number): Promise<void>;
  /** Removes leftovers of killed processes. Only call it when no worker is active on the job. */
  clean(): Promise<void>;
}

/** Number of files that are read concurrently. */
const READS = 32;

/**
 * The record of a shard if it is complete; finishes a shard that a killed process has committed. Undefined if the shard
 * has to be made, because it has no record or pictures were removed. `there`: names of all existing pictures, if known.
 */
export async function settled(
  sink: Sink,
  request: JobRequest,
  shard: Shard,
  there?: ReadonlySet<string>,
): Promise<ShardRecord | undefined> {
  const finished = await sink.finish(shard.index);
  const record = await sink.record(shard.index);
  if (!record) return undefined;
  const names = namesOf(request, shard);
  const whole = there && !finished ? names.every((name) => there.has(name)) : await sink.holds(names);
  if (whole) return record;
  await sink.forget(shard.index);
  return undefined;
}

/**
 * Writes all records to job.json once every shard is made; resolves to undefined before that. Called after each shard
 * that may have been the last.
 */
export async function collect(sink: Sink, file: JobFile): Promise<JobFile | undefined> {
  const shards = planOf(file.request);
  // One quick check, which is enough in most cases, because the queue gives out the last shard last.
  if (!(await sink.record(shards.length - 1)) && !(await sink.finish(shards.length - 1))) return undefined;
  if ((await sink.made()).size < shards.length) return undefined;
  const records = await inTurns(shards, READS, async ({ index }) => {
    await sink.finish(index);
    return sink.record(index);
  });
  if (!records.every((record) => record !== undefined)) return undefined;
  const collected: JobFile = { ...file, done: totalsOf(records), shards: records };
  await sink.write(collected);
  return collected;
}

/** Whether the pictures of a shard still have the digest of its record. */
export async function intact(sink: Sink, request: JobRequest, record: ShardRecord): Promise<boolean> {
  const hash = createHash('sha256');
  const names = namesOf(request, record);
  for (let at = 0; at < names.length; at += READS) {
    const files = await Promise.all(names.slice(at, at + READS).map((name) => sink.picture(name)));
    for (const file of files) {
      if (!file) return false;
      hash.update(file);
    }
  }
  return hash.digest('hex') === record.sha256;
}

/** Names of the pictures of a shard. */
export function namesOf(
  { count: of, format }: Pick<JobRequest, 'count' | 'format'>,
  { start, count }: Pick<Shard, 'start' | 'count'>,
): string[] {
  return Array.from({ length: count }, (_, i) => pictureName(start + i, of, format));
}

/** `00003`, the name of a shard in a sink. */
export function digits(index: number): string {
  return String(index).padStart(5, '0');
}

/** Writes that run while the next picture is made, at most `most` concurrently. */
export class Writes {
  readonly #going = new Set<Promise<void>>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when the next one may be added. Rejects if an earlier one failed. */
  async add(write: Promise<void>): Promise<void> {
    write.then(
      () => this.#going.delete(write),
      () => undefined, // stays, for the next call to throw it
    );
    this.#going.add(write);
    if (this.#going.size >= this.#most) await Promise.race(this.#going);
  }

  /** Resolves once all are written; rejects if one failed. */
  async all(): Promise<void> {
    await Promise.all(this.#going);
  }

  /** Resolves when none is running, whether they succeeded or failed. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#going);
  }
}

/** Runs `work` for each item, `most` at a time, and returns the results in order. Stops at the first failure. */
export async function inTurns<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  let failed = false;
  const line = async (): Promise<void> => {
    for (const [i, item] of rest) {
      if (failed) return;
      try {
        results[i] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, line));
  return results;
}
