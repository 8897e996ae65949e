// Threads that decode pictures, started on demand and ended when idle for a while. An idle thread does not keep the
// process alive.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ForjaError, fromErrorRecord } from '@forja/core';
import type { DecodeJob, DecodeReply, DecodeRequest, DecodeResults } from './decode-worker.js';
import { decodeWorkerUrl } from './decode-worker-url.js';

interface Waiting {
  job: DecodeJob;
  resolve(result: DecodeResults[DecodeJob['op']]): void;
  reject(error: unknown): void;
}

interface Thread {
  worker: Worker;
  jobs: Map<number, Waiting>;
}

/** Concurrent jobs per thread: it reads the next file while it decodes one. */
const AT_ONCE = 2;
const MOST_THREADS = 16;
/** Milliseconds after which idle threads are ended, to free their memory. */
const IDLE = 5000;

/** Threads that decode; one pool serves all folders of a process. */
export class DecodePool {
  readonly #threads: Thread[] = [];
  readonly #queue: Waiting[] = [];
  readonly #most: number;
  #next = 0;
  #leave: NodeJS.Timeout | undefined;

  constructor(threads: number = Math.min(MOST_THREADS, availableParallelism())) {
    this.#most = threads;
  }

  /** Runs a job on the next free thread. */
  run<J extends DecodeJob>(job: J): Promise<DecodeResults[J['op']]> {
    return new Promise((resolve, reject) => {
      // the job's `op` determines the type of its result
      this.#queue.push({ job, resolve: resolve as Waiting['resolve'], reject });
      this.#assign();
    });
  }

  #assign(): void {
    while (this.#queue.length > 0) {
      // the least busy thread; another is started if all are busy
      const [first] = [...this.#threads].sort((a, b) => a.jobs.size - b.jobs.size);
      const free = first && first.jobs.size < AT_ONCE ? first : undefined;
      const thread = free ?? (this.#threads.length < this.#most ? this.#start() : undefined);
      const next = thread && this.#queue.shift();
      if (!next) return;
      const id = this.#next++;
      thread.jobs.set(id, next);
      thread.worker.ref();
      thread.worker.postMessage({ id, job: next.job } satisfies DecodeRequest);
    }
  }

  #leaveLater(): void {
    clearTimeout(this.#leave);
    this.#leave = setTimeout(() => {
      if (this.#threads.every(({ jobs }) => jobs.size === 0))
        for (const { worker } of this.#threads.splice(0)) void worker.terminate();
    }, IDLE).unref();
  }

  #start(): Thread {
    // execArgv: the worker does not need the host's loaders
    const worker = new Worker(decodeWorkerUrl(), { name: 'forja-decode', execArgv: [] });
    const thread: Thread = { worker, jobs: new Map() };
    worker.on('message', (reply: DecodeReply) => {
      const job = thread.jobs.get(reply.id);
      thread.jobs.delete(reply.id);
      if (thread.jobs.size === 0) worker.unref();
      if ('error' in reply) job?.reject(fromErrorRecord(reply.error));
      else job?.resolve(reply.result);
      this.#assign();
      if (this.#threads.every(({ jobs }) => jobs.size === 0)) this.#leaveLater();
    });
    worker.on('error', (cause) => {
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      for (const { job, reject } of thread.jobs.values())
        reject(new ForjaError('io', `data: the thread that decoded ${job.path} failed: ${cause.message}`, { cause }));
      thread.jobs.clear();
      this.#assign();
    });
    this.#threads.push(thread);
    return thread;
  }
}
