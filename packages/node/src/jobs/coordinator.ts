// The submitter's side: puts a job's missing shards into the queue, follows them, says how far a job is.
import { UsageError, type AbortSignalLike } from '@forja/core';
import type { JobFolder } from './folder.js';
import { planOf, shardCount, type Shard } from './plan.js';
import type { Active, Failure, JobQueue } from './queue.js';
import type { JobFile, ShardRecord } from './record.js';
import { jobId, sameRequest, type JobRequest } from './request.js';

/** How far a job is. */
export interface JobState {
  file: JobFile;
  /** Number of shards. */
  shards: number;
  /** Records of the shards that are made, in order. */
  made: ShardRecord[];
  /** Pictures that are written, with those of shards that are being made. */
  pictures: number;
  active: Active[];
  failed: Failure[];
  /** Connected workers; undefined without a queue. */
  workers: number | undefined;
}

/** Time after which a follower looks again though it has heard nothing. */
const LOOK_MS = 2000;
/** So many looks without news, and what is missing is added again: the queue may have lost it. */
const AGAIN_AFTER = 5;

/**
 * Writes job.json and adds every shard that is not made to the queue, also those that failed before. Throws UsageError
 * if the folder holds another job. Resolves to job.json and the number of shards that were added.
 */
export async function submit(
  queue: JobQueue,
  folder: JobFolder,
  request: JobRequest,
  attempts: number,
): Promise<{ file: JobFile; added: number }> {
  shardCount(request); // refuses too many
  const earlier = await folder.read();
  if (earlier && !sameRequest(earlier.request, request))
    throw new UsageError(
      `jobs submit --out: expected a folder without a job, or with this one, but ${folder.path} holds job ` +
        `${earlier.id}: ${differences(earlier.request, request)}; name another folder, or the same request`,
    );
  const id = jobId(request, folder.path);
  const missing = await missingShards(folder, request);
  const file: JobFile = missing.length === 0 && earlier?.id === id ? earlier : { version: 1, id, request, shards: [] };
  if (file !== earlier) await folder.write(file);
  await queue.forget(id);
  await queue.add(tasksOf(file, folder, missing), attempts);
  const collected = missing.length === 0 && !file.done ? await folder.collect(file) : undefined;
  return { file: collected ?? file, added: missing.length };
}

/**
 * Resolves once every shard is made or has failed for good; calls `onState` at each change. When `signal` aborts, it
 * resolves to the state so far, and the workers go on.
 */
export async function follow(
  queue: JobQueue,
  folder: JobFolder,
  file: JobFile,
  { attempts, signal, onState }: { attempts: number; signal: AbortSignalLike; onState: (state: JobState) => void },
): Promise<JobState> {
  const known = new Map<number, ShardRecord>();
  let [before, quiet] = ['', 0];
  for (;;) {
    const state = await stateOf(folder, file, queue, known);
    onState(state);
    const { made, failed, shards, pictures, active } = state;
    if (signal.aborted) return state;
    if (made.length + failed.length >= shards) {
      if (made.length < shards) return state;
      // The last worker may still be at it; the folder is tidied when nobody is.
      const collected = (await folder.read())?.done ? await folder.read() : await folder.collect(file);
      if (active.length === 0) await folder.clean();
      return { ...state, file: collected ?? file };
    }
    const now = `${made.length} ${failed.length} ${pictures}`;
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    if (quiet > 0 && quiet % AGAIN_AFTER === 0)
      await queue.add(tasksOf(file, folder, unmade(file.request, known)), attempts);
    await queue.changed(file.id, LOOK_MS, signal);
  }
}

/** How far the job of a folder is; without a queue, what lies in the folder. `known` saves reading records again. */
export async function stateOf(
  folder: JobFolder,
  file: JobFile,
  queue?: JobQueue,
  known: Map<number, ShardRecord> = new Map(),
): Promise<JobState> {
  const { request, id } = file;
  for (const index of await folder.made()) {
    if (known.has(index)) continue;
    const record = await folder.record(index);
    if (record) known.set(index, record);
  }
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

/** Shards without a record, or whose pictures are gone. */
async function missingShards(folder: JobFolder, request: JobRequest): Promise<Shard[]> {
  const [made, there] = [await folder.made(), await folder.pictures()];
  const missing: Shard[] = [];
  for (const shard of planOf(request))
    if (!made.has(shard.index) || !(await folder.settled(request, shard, there))) missing.push(shard);
  return missing;
}

function unmade(request: JobRequest, known: ReadonlyMap<number, unknown>): Shard[] {
  return planOf(request).filter(({ index }) => !known.has(index));
}

function tasksOf({ id }: JobFile, { path }: JobFolder, shards: readonly Shard[]) {
  return shards.map(({ index }) => ({ job: id, folder: path, shard: index }));
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
