// What is written about finished work: a record per shard, and job.json for the whole job.
import * as v from 'valibot';
import { requestSchema, type JobRequest } from './request.js';

/** A worker's record of a finished shard. */
export interface ShardRecord {
  /** Index of the shard. */
  shard: number;
  /** Index of its first picture. */
  start: number;
  /** Number of its pictures. */
  count: number;
  /** SHA-256 over the files' bytes, in order, in hexadecimal. */
  sha256: string;
  bytes: number;
  /**
   * CPU, onnxruntime's version, device, threads, release of Forja. Machines of the same kind generate pictures that
   * are equal bit for bit.
   */
  kind: string;
  /** Time from the first run of the model to the last file written. */
  seconds: number;
  /**
   * CPU time of the worker's process in these seconds, over all threads; this includes shards that ran concurrently.
   */
  cpuSeconds: number;
  /** Machine and process. */
  worker: string;
  /** Number of the attempt, from 1. */
  attempt: number;
  /** When it was finished, ISO 8601. */
  at: string;
}

/** Sums over shards. The seconds of shards that ran concurrently are added, too. */
export interface Totals {
  pictures: number;
  bytes: number;
  seconds: number;
  cpuSeconds: number;
  /** Number of shards per kind of machine. */
  kinds: Record<string, number>;
}

/** job.json. */
export interface JobFile {
  version: 1;
  id: string;
  request: JobRequest;
  /** Set when all shards are made. */
  done?: Totals;
  /** Records of the shards, in order; empty until all shards are made. */
  shards: ShardRecord[];
}

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.minValue(0));

/** A record as read from a file. */
export const recordSchema: v.GenericSchema<ShardRecord> = v.strictObject({
  shard: whole,
  start: whole,
  count: whole,
  sha256: v.string(),
  bytes: whole,
  kind: v.string(),
  seconds: positive,
  cpuSeconds: positive,
  worker: v.string(),
  attempt: whole,
  at: v.string(),
});

/** job.json as read from a file. */
export const fileSchema: v.GenericSchema<JobFile> = v.strictObject({
  version: v.literal(1),
  id: v.string(),
  request: requestSchema,
  done: v.exactOptional(
    v.strictObject({
      pictures: whole,
      bytes: whole,
      seconds: positive,
      cpuSeconds: positive,
      kinds: v.record(v.string(), whole),
    }),
  ),
  shards: v.array(recordSchema),
});

/** Sums over the records of shards. */
export function totalsOf(records: readonly ShardRecord[]): Totals {
  const sum = (of: (record: ShardRecord) => number): number => records.reduce((total, record) => total + of(record), 0);
  const kinds: Record<string, number> = {};
  for (const { kind } of records) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const round = (seconds: number): number => Math.round(1000 * seconds) / 1000;
  return {
    pictures: sum(({ count }) => count),
    bytes: sum(({ bytes }) => bytes),
    seconds: round(sum(({ seconds }) => seconds)),
    cpuSeconds: round(sum(({ cpuSeconds }) => cpuSeconds)),
    kinds,
  };
}
