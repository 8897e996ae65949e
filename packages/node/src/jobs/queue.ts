// The interface of a queue for jobs, implemented in bullmq.ts.
import type { AbortSignalLike } from '@forja/core';

/** A shard to make; everything else is in the sink's job.json. */
export interface Task {
  job: string;
  /** Address of the job's sink, the same on every machine: an absolute path, or `s3://bucket/prefix`. */
  sink: string;
  shard: number;
}

/** A shard that has failed the maximum number of times. */
export interface Failure {
  shard: number;
  reason: string;
  attempts: number;
}

/** A shard that a worker is making. */
export interface Active {
  shard: number;
  /** Pictures written so far. */
  done: number;
  worker: string;
}

/** The submitter's side. */
export interface JobQueue {
  /** Adds tasks that are not in the queue yet. A task is tried up to `attempts` times. */
  add(tasks: readonly Task[], attempts: number): Promise<void>;
  /** Removes failed shards from the queue, so that `add` can add them again. */
  forget(job: string): Promise<void>;
  failed(job: string): Promise<Failure[]>;
  active(job: string): Promise<Active[]>;
  /** Number of connected workers. */
  workers(): Promise<number>;
  /** Address of the sink of a job that was submitted to this queue. */
  sinkOf(job: string): Promise<string | undefined>;
  /** Resolves at the next event of the job, when `signal` aborts, or after `ms`. */
  changed(job: string, ms: number, signal: AbortSignalLike): Promise<void>;
  close(): Promise<void>;
}

/** One delivery of a task to a worker. */
export interface Delivery {
  task: Task;
  /** Number of the attempt, from 1. */
  attempt: number;
  /** Reports the number of written pictures to the queue. */
  progress(done: number): void;
}

/** The worker's side. */
export interface QueueWorker {
  /** Takes no more shards, waits for those in progress, disconnects. */
  stop(): Promise<void>;
}
