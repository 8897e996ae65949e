// Makes shards from the queue: reads the request, skips shards that exist, makes the others, and completes job.json
// after the last one.
import { ForjaError, messageOf, UsageError } from '@forja/core';
import { ModelUnfit, type Models } from './models.js';
import { nameOf, shardAt, type Shard } from './plan.js';
import type { Delivery, Task } from './queue.js';
import type { JobFile, ShardRecord } from './record.js';
import { makeShard } from './shard.js';
import { collect, settled, type Sink } from './sink.js';
import type { Sinks } from './sinks.js';

/** Events of a worker. */
export type WorkEvent =
  | { type: 'begun'; job: string; shard: Shard; attempt: number }
  | { type: 'made'; job: string; shard: Shard; record: ShardRecord }
  | { type: 'there'; job: string; shard: Shard }
  | { type: 'failed'; job: string; shard: Shard; attempt: number; reason: string };

/** Options of {@link shardWork}. */
export interface WorkOptions {
  models: Models;
  sinks: Sinks;
  onEvent: (event: WorkEvent) => void;
  /** Called for a model that this worker cannot load. The worker should stop, because others may be able to load it. */
  onUnfit: (error: ModelUnfit) => void;
}

/** Milliseconds between two reports of progress to the queue. */
const REPORT_MS = 1000;

/** Returns a function that makes one delivered shard, and throws if that fails. */
export function shardWork({ models, sinks, onEvent, onUnfit }: WorkOptions): (delivery: Delivery) => Promise<void> {
  const known = new Map<string, { sink: Sink; file: JobFile }>();
  return async ({ task, attempt, progress }) => {
    const { sink, file } = known.get(task.job) ?? (await jobOf(sinks, task));
    known.set(task.job, { sink, file });
    const { request } = file;
    const shard = shardAt(request, task.shard);
    try {
      if (await settled(sink, request, shard)) {
        onEvent({ type: 'there', job: task.job, shard });
      } else {
        onEvent({ type: 'begun', job: task.job, shard, attempt });
        const onProgress = throttled(REPORT_MS, progress);
        const record = await models.use(request, (generator) =>
          makeShard(generator, request, shard, sink, { attempt, onProgress }),
        );
        onEvent({ type: 'made', job: task.job, shard, record });
      }
      await collect(sink, file);
    } catch (error) {
      onEvent({ type: 'failed', job: task.job, shard, attempt, reason: messageOf(error) });
      if (error instanceof ModelUnfit) onUnfit(error);
      throw new ForjaError(
        error instanceof ForjaError ? error.code : 'internal',
        `${nameOf(shard)}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  };
}

/** The sink of a task, and its job.json. */
async function jobOf(sinks: Sinks, { job, sink: address }: Task): Promise<{ sink: Sink; file: JobFile }> {
  const sink = await sinks.open(address);
  const file = await sink.read();
  if (file?.id === job) return { sink, file };
  throw new UsageError(
    `jobs work: expected job ${job} in ${sink.address}/job.json, got ${file ? `job ${file.id}` : 'no such file'}; ` +
      'every machine must have the same folder under the same path, or use the same store',
  );
}

/** Passes on a call, unless the last one was less than `ms` ago. */
function throttled(ms: number, report: (done: number) => void): (done: number) => void {
  let last = performance.now();
  return (done) => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    report(done);
  };
}
