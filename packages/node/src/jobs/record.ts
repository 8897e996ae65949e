// What is written about finished work: a record a shard, and job.json for the whole.
import * as v from 'valibot';
import { requestSchema } from './request.js';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.minValue(0));

const recordSchema = v.strictObject({
  /** Index of the shard. */
  shard: whole,
  start: whole,
  count: whole,
  /** SHA-256 over the files' bytes, in order, in hexadecimal. */
  sha256: v.string(),
  bytes: whole,
  /** CPU, onnxruntime's version, device and release of Forja. Pictures of one kind are equal bit for bit. */
  kind: v.string(),
  /** From the first run of the model to the last file written. */
  seconds: positive,
  /** CPU time of the worker's process meanwhile, all threads, so of all shards that it makes at once. */
  cpuSeconds: positive,
  /** Machine and process. */
  worker: v.string(),
  /** Which attempt it was, from 1. */
  attempt: whole,
  /** When it was finished, ISO 8601. */
  at: v.string(),
});

/** What a worker writes of a shard that it has made. */
export type ShardRecord = v.InferOutput<typeof recordSchema>;

const fileSchema = v.strictObject({
  version: v.literal(1),
  id: v.string(),
  request: requestSchema,
  /** Once all shards are made. */
  done: v.exactOptional(
    v.strictObject({
      pictures: whole,
      bytes: whole,
      /** Sums over shards, which overlap in time. */
      seconds: positive,
      cpuSeconds: positive,
      /** Kinds of machine, each with its number of shards. */
      kinds: v.record(v.string(), whole),
    }),
  ),
  /** In order; empty until all shards are made. */
  shards: v.array(recordSchema),
});

/** job.json. */
export type JobFile = v.InferOutput<typeof fileSchema>;

export { fileSchema, recordSchema };

/** Sums over the records of shards. */
export function totalsOf(records: readonly ShardRecord[]): NonNullable<JobFile['done']> {
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
