// Where a job's pictures go: what a sink must do, and what is true of every sink. folder.ts and s3.ts are the two that
// there are; sinks.ts opens them by address.
//
// A sink holds pictures as `forja sample` names them, job.json, and a record a shard. A shard is made apart from the
// pictures, committed in one step, of which one attempt wins, and then put in its place, its record last. Whoever finds
// a shard that is committed but has no record, left by a killed process, puts the rest in place.
import { createHash } from 'node:crypto';
import { pictureName } from '../files/picture-name.js';
import { planOf, type Shard } from './plan.js';
import { totalsOf, type JobFile, type ShardRecord } from './record.js';
import type { JobRequest } from './request.js';

/** A shard that is being made. */
export interface Making {
  /** Writes picture `index` of the request; resolves once there is room for the next, `commit` once all are written. */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** Puts everything in its place, unless another attempt was first. Resolves to the record that holds. */
  commit(record: ShardRecord): Promise<ShardRecord>;
  /** Removes what was written; after `commit` it does nothing. */
  discard(): Promise<void>;
}

/** The place of one job. Failures are ForjaErrors `io`. */
export interface Sink {
  /** Path of a folder, or `s3://bucket/prefix`; the same on every machine. */
  readonly address: string;
  /** Milliseconds that a follower leaves between two looks: a look at a store costs a request. */
  readonly pauseMs: number;
  /** job.json; undefined if there is none. Throws `usage` if it is something else. */
  read(): Promise<JobFile | undefined>;
  /** Writes job.json, whole or not at all. */
  write(file: JobFile): Promise<void>;
  /** Names of the pictures that are there. */
  pictures(): Promise<Set<string>>;
  /** The bytes of a picture; undefined if there is none. */
  picture(name: string): Promise<Uint8Array | undefined>;
  /** Whether all of these pictures are there. */
  holds(names: readonly string[]): Promise<boolean>;
  /** Begins a shard. */
  begin(request: JobRequest, shard: Shard): Promise<Making>;
  /** Puts in place what is committed of a shard; whether there was anything. Several processes may do so at once. */
  finish(index: number): Promise<boolean>;
  /** Indices of the shards that have a record. */
  made(): Promise<Set<number>>;
  /** The record of a shard, without a look at its pictures. */
  record(index: number): Promise<ShardRecord | undefined>;
  /** Removes a record: the shard is to be made again. */
  forget(index: number): Promise<void>;
  /** Removes what killed processes left; only when nobody works on the job. */
  clean(): Promise<void>;
}

/** Files that are read at once. */
const READS = 32;

/**
 * The record of a shard that is made and whose pictures are all there; finishes what a killed process has committed.
 * Undefined if it is still to be made: without a record, or if pictures were removed since. `there`, the names of all
 * pictures, saves a look at each.
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
 * Writes all records to job.json, once every shard is made; undefined before. Called by whoever may have made the last
 * one.
 */
export async function collect(sink: Sink, file: JobFile): Promise<JobFile | undefined> {
  const shards = planOf(file.request);
  // One look that tells in most cases: the queue gives the last shard last.
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

/** Writes that go on while the next picture is made, at most `most` at once. */
export class Writes {
  readonly #going = new Set<Promise<void>>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves once there is room for the next. Rejects if an earlier one failed. */
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

  /** Resolves once none is going on, failed or not. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#going);
  }
}

/** Runs `work` for each item, `most` at once; the results in order. The first failure ends it. */
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
