// The submitter's side: puts a job's missing shards into the queue, follows their progress, and reports a job's state.
import { setTimeout as pause } from 'node:timers/promises';
import { UsageError, type AbortSignalLike } from '@forja/core';
import { planOf, shardCount, type Shard } from './plan.js';
import type { Active, Failure, JobQueue } from './queue.js';
import type { JobFile, ShardRecord } from './record.js';
import { jobId, sameRequest, type JobRequest } from './request.js';
import { collect, inTurns, settled, type Sink } from './sink.js';

/** The state of a job. */
export interface JobState {
  file: JobFile;
  /** Number of shards. */
  shards: number;
  /** Records of the finished shards, in order. */
  made: ShardRecord[];
  /** Number of written pictures, including those of unfinished shards. */
  pictures: number;
  active: Active[];
  failed: Failure[];
  /** Connected workers; undefined without a queue. */
  workers: number | undefined;
}

/** Time after which a follower checks the state even without an event. */
const LOOK_MS = 2000;
/** Number of records that are read concurrently. */
const READS = 32;
/** After this many checks without a change, missing shards are added again, because the queue may have lost them. */
const AGAIN_AFTER = 5;

/**
 * Writes job.json and adds every missing shard to the queue, including those that failed before. Throws UsageError if
 * the sink holds another job. Resolves to job.json and the number of shards that were added.
 */
export async function submit(
  queue: JobQueue,
  sink: Sink,
  request: JobRequest,
  attempts: number,
): Promise<{ file: JobFile; added: number }> {
  shardCount(request); // throws if there are too many
  const earlier = await sink.read();
  if (earlier && !sameRequest(earlier.request, request))
    throw new UsageError(
      `jobs submit --out: expected a folder or prefix without a job, or with the same job, but ${sink.address} ` +
        `holds job ${earlier.id}: ${differences(earlier.request, request)}; choose another one, or submit the ` +
        'same request',
    );
  const id = jobId(request, sink.address);
  const missing = await missingShards(sink, request);
  const file: JobFile = missing.length === 0 && earlier?.id === id ? earlier : { version: 1, id, request, shards: [] };
  if (file !== earlier) await sink.write(file);
  await queue.forget(id);
  await queue.add(tasksOf(file, sink, missing), attempts);
  const collected = missing.length === 0 && !file.done ? await collect(sink, file) : undefined;
  return { file: collected ?? file, added: missing.length };
}

/**
 * Resolves once every shard is finished or has failed for good; calls `onState` at each change. When `signal` aborts,
 * it resolves to the state so far, and the workers continue.
 */
export async function follow(
  queue: JobQueue,
  sink: Sink,
  file: JobFile,
  { attempts, signal, onState }: { attempts: number; signal: AbortSignalLike; onState: (state: JobState) => void },
): Promise<JobState> {
  const known = new Map<number, ShardRecord>();
  let [before, quiet] = ['', 0];
  for (;;) {
    const state = await stateOf(sink, file, queue, known);
    onState(state);
    const { made, failed, shards, pictures, active } = state;
    if (signal.aborted) return state;
    if (made.length + failed.length >= shards) {
      if (made.length < shards) return state;
      // The last worker may still be writing job.json. Leftovers are removed only if no worker is active.
      const collected = (await sink.read())?.done ? await sink.read() : await collect(sink, file);
      if (active.length === 0) await sink.clean();
      return { ...state, file: collected ?? file };
    }
    const now = `${made.length} ${failed.length} ${pictures}`;
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    if (quiet > 0 && quiet % AGAIN_AFTER === 0)
      await queue.add(tasksOf(file, sink, unmade(file.request, known)), attempts);
    await Promise.all([queue.changed(file.id, LOOK_MS, signal), pause(sink.pauseMs)]);
  }
}

/**
 * The state of a sink's job; without a queue, only what the sink shows. `known`: records that need not be read again.
 */
export async function stateOf(
  sink: Sink,
  file: JobFile,
  queue?: JobQueue,
  known: Map<number, ShardRecord> = new Map(),
): Promise<JobState> {
  const { request, id } = file;
  const unread = [...(await sink.made())].filter((index) => !known.has(index));
  await inTurns(unread, READS, async (index) => {
    const record = await sink.record(index);
    if (record) known.set(index, record);
  });
  const made = [...known.values()].sort((a, b) => a.shard - b.shard);
  const pending = <T extends { shard: number }>(list: readonly T[]): T[] =>
    list.filter(({ shard }) => !known.has(shard)).sort((a, b) => a.shard - b.shard);
  const active = pending((await queue?.active(id)) ?? []);
  const sum = (counts: readonly number[]): number => counts.reduce((total, one) => total + one, 0);
  return {
    file,
    shards: shardCount(request),
    made,
    pictures: sum(made.map(({ count }) => count)) + sum(active.map(({ done }) => done)),
    active,
    failed: pending((await queue?.failed(id)) ?? []),
    workers: await queue?.workers(),
  };
}

/** Shards without a record, or with missing pictures. */
async function missingShards(sink: Sink, request: JobRequest): Promise<Shard[]> {
  const [made, there] = [await sink.made(), await sink.pictures()];
  const shards = planOf(request);
  const ready = await inTurns(
    shards,
    READS,
    async (shard) => made.has(shard.index) && (await settled(sink, request, shard, there)) !== undefined,
  );
  return shards.filter((_, i) => !ready[i]);
}

function unmade(request: JobRequest, known: ReadonlyMap<number, unknown>): Shard[] {
  return planOf(request).filter(({ index }) => !known.has(index));
}

function tasksOf({ id }: JobFile, { address }: Sink, shards: readonly Shard[]) {
  return shards.map(({ index }) => ({ job: id, sink: address, shard: index }));
}

/** The fields in which two requests differ. */
function differences(a: JobRequest, b: JobRequest): string {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof JobRequest)[];
  const texts = keys.flatMap((key) => {
    const [x, y] = key === 'model' ? [a.model.sha256, b.model.sha256] : [a[key], b[key]];
    const [left, right] = [x, y].map((one) => JSON.stringify(one) ?? 'none');
    return left === right ? [] : [`${key} ${left}, not ${right}`];
  });
  return texts.join('; ');
}
