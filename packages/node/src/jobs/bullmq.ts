// The queue, implemented with BullMQ, which stores it in Redis or Valkey. The only file that imports bullmq and
// ioredis; both are optional peers.
import { ForjaError, messageOf, UsageError, type AbortSignalLike } from '@forja/core';
import type { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { hasCode } from '../has-code.js';
import type { Active, Delivery, Failure, JobQueue, QueueWorker, Task } from './queue.js';
import { workerName } from './shard.js';

/** Address of the queue. */
export interface QueueAddress {
  /** `redis://` or `rediss://`, with user, password and database as usual. */
  url: string;
  /** Name of the queue in that server; a worker serves one queue. */
  queue: string;
  /** Called when the connection is lost, and when it is restored. */
  onConnection?: (message: string) => void;
}

/** Options of {@link openWorker}. */
export interface WorkerOptions extends QueueAddress {
  /** Number of concurrent shards. */
  concurrency: number;
  /** After this time without renewal, a shard is given to another worker. The lock is renewed after half of it. */
  lockMs: number;
  /** A shard that was lost this many times because its worker ended counts as failed. */
  losses: number;
}

/** Delay before a failed shard is retried. */
const AGAIN_MS = 1000;
/** Tasks per command. */
const CHUNK = 1000;
/** Maximum time between two attempts to reconnect. */
const RECONNECT_MS = 2000;

/** Connects to the queue. Throws UsageError if bullmq or ioredis is missing, `io` if no server answers. */
export async function openQueue(address: QueueAddress): Promise<JobQueue> {
  const { Queue, QueueEvents } = (await peers()).bullmq;
  const connection = await connect(address);
  const listening = connection.duplicate(); // a connection that waits for events cannot be used for anything else
  const queue = new Queue<Task, unknown, string>(address.queue, { connection, prefix: PREFIX });
  const events = new QueueEvents(address.queue, { connection: listening, prefix: PREFIX });
  queue.on('error', () => undefined); // connection errors are reported in `connect`
  events.on('error', () => undefined);
  const waiting = new Set<(id: string) => void>();
  const wake = ({ jobId }: { jobId: string }): void => waiting.forEach((one) => one(jobId));
  events.on('completed', wake).on('failed', wake).on('progress', wake).on('active', wake);
  await events.waitUntilReady();
  const close = async (): Promise<void> => {
    for (const one of [events, queue]) await one.close().catch(() => undefined);
    listening.disconnect();
    leave(connection);
  };
  return new BullQueue({ queue, connection, waiting, close });
}

interface Parts {
  queue: Queue<Task, unknown, string>;
  connection: Redis;
  /** Listeners, called with the id of a task that has changed. */
  waiting: Set<(id: string) => void>;
  close(): Promise<void>;
}

class BullQueue implements JobQueue {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async add(tasks: readonly Task[], attempts: number): Promise<void> {
    const { queue, connection } = this.#parts;
    const [first] = tasks;
    if (first) await connection.set(sinkKey(queue.name, first.job), first.sink);
    for (let at = 0; at < tasks.length; at += CHUNK)
      await queue.addBulk(
        tasks.slice(at, at + CHUNK).map((task) => ({
          name: 'shard',
          data: task,
          opts: {
            jobId: `${task.job}-${task.shard}`, // BullMQ ignores an id that it has, so a shard is not added twice
            attempts,
            backoff: { type: 'fixed', delay: AGAIN_MS },
            removeOnComplete: true, // the sink records finished shards
          },
        })),
      );
  }

  async forget(job: string): Promise<void> {
    for (const one of await this.#of(job, 'failed')) await one.remove();
  }

  async failed(job: string): Promise<Failure[]> {
    return (await this.#of(job, 'failed')).map(({ data, failedReason, attemptsMade }) => ({
      shard: data.shard,
      reason: failedReason || 'unknown',
      attempts: attemptsMade,
    }));
  }

  async active(job: string): Promise<Active[]> {
    return (await this.#of(job, 'active')).map(({ data, progress, processedBy }) => ({
      shard: data.shard,
      done: typeof progress === 'number' ? progress : 0,
      worker: processedBy ?? 'unknown',
    }));
  }

  async workers(): Promise<number> {
    return this.#parts.queue.getWorkersCount();
  }

  async sinkOf(job: string): Promise<string | undefined> {
    return (await this.#parts.connection.get(sinkKey(this.#parts.queue.name, job))) ?? undefined;
  }

  changed(job: string, ms: number, signal: AbortSignalLike): Promise<void> {
    const { waiting } = this.#parts;
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        waiting.delete(onNews);
        signal.removeEventListener('abort', over);
        resolve();
      };
      const onNews = (id: string): void => void (id.startsWith(`${job}-`) && over());
      const timer = setTimeout(over, ms);
      waiting.add(onNews);
      if (signal.aborted) over();
      else signal.addEventListener('abort', over, { once: true });
    });
  }

  async close(): Promise<void> {
    await this.#parts.close();
  }

  async #of(job: string, state: 'failed' | 'active'): Promise<Job<Task, unknown, string>[]> {
    const jobs = await this.#parts.queue.getJobs([state]);
    return jobs.filter((one) => one?.data?.job === job); // tasks that were removed meanwhile are undefined
  }
}

/** Takes tasks from the queue until it is stopped. `work` throws if a shard fails. */
export async function openWorker(
  { concurrency, lockMs, losses, ...address }: WorkerOptions,
  work: (delivery: Delivery) => Promise<void>,
): Promise<QueueWorker> {
  const { Worker } = (await peers()).bullmq;
  const connection = await connect(address);
  const worker = new Worker<Task, void, string>(
    address.queue,
    (job) =>
      work({
        task: job.data,
        attempt: job.attemptsStarted,
        // fails if another worker has the task by now
        progress: (done) => void job.updateProgress(done).catch(() => undefined),
      }),
    {
      connection,
      prefix: PREFIX,
      name: workerName(),
      concurrency,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: losses - 1, // it fails when it is lost once more
      runRetryDelay: RECONNECT_MS,
    },
  );
  // Connection errors are reported in `connect`. If a lock was lost, another worker has the shard now.
  worker.on('error', () => undefined);
  await worker.waitUntilReady();
  return {
    stop: async () => {
      await worker.close();
      leave(connection);
    },
  };
}

/** Prefix of all keys. */
const PREFIX = 'forja';

function sinkKey(queue: string, job: string): string {
  return `${PREFIX}:${queue}:sink:${job}`;
}

/** A connection that, once established, reconnects for as long as the process lives. */
async function connect({ url, onConnection }: QueueAddress): Promise<Redis> {
  if (!/^rediss?:\/\/\S+$/.test(url))
    throw new UsageError(`jobs --redis: expected an address such as redis://127.0.0.1:6379, got '${hidden(url)}'`);
  const { Redis } = (await peers()).ioredis;
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null, // BullMQ requires it: commands wait for the connection
    retryStrategy: (times) => Math.min(100 * times, RECONNECT_MS),
  });
  let reason = '';
  client.on('error', (error: unknown) => void (reason = messageOf(error) || String(Object(error).code ?? '')));
  await client.connect().catch((cause: unknown) => {
    client.disconnect();
    throw new ForjaError(
      'io',
      `jobs: cannot reach Redis at ${hidden(url)}: ${reason || messageOf(cause)}; start it (redis-server), or name ` +
        'another by --redis',
      { cause },
    );
  });
  let lost = false;
  client.on('close', () => {
    if (!lost) onConnection?.(`jobs: lost the connection to Redis at ${hidden(url)}; trying again`);
    lost = true;
  });
  client.on('ready', () => {
    if (lost) onConnection?.(`jobs: connected to Redis at ${hidden(url)} again`);
    lost = false;
  });
  return client;
}

/** Disconnects permanently, without calling `onConnection`. */
function leave(connection: Redis): void {
  connection.removeAllListeners('close');
  connection.disconnect();
}

/** An address without its user and password, which may contain `@` and `/`, and without options after `?`. */
function hidden(url: string): string {
  return url.replace(/\/\/.*@/s, '//…@').replace(/\?.*/s, '?…');
}

let imported: Promise<{ bullmq: typeof import('bullmq'); ioredis: typeof import('ioredis') }> | undefined;

function peers(): NonNullable<typeof imported> {
  return (imported ??= Promise.all([import('bullmq'), import('ioredis')]).then(
    ([bullmq, ioredis]) => ({ bullmq, ioredis }),
    (cause: unknown) => {
      if (!hasCode(cause, 'ERR_MODULE_NOT_FOUND') && !hasCode(cause, 'MODULE_NOT_FOUND')) throw cause;
      throw new UsageError('jobs: expected bullmq and ioredis to be installed: npm install bullmq ioredis', { cause });
    },
  ));
}
