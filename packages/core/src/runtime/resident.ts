// A session or shared state that a runtime keeps in its executor: where it is, and how to remake it in the next
// executor.
import { ForjaError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { DroppedHandles } from './dropped.js';
import type { SessionExecutor, SessionRecord } from './executor.js';
import type { Fifo } from './fifo.js';
import type { Supervisor } from './supervisor.js';

/** The part of the runtime that a resident uses. */
export interface Home<R> {
  readonly queue: Fifo;
  readonly supervisor: Supervisor<SessionExecutor<R>>;
  readonly dropped: DroppedHandles;
  /** A session was remade. */
  made(record: SessionRecord): void;
  /** The resident was freed. */
  gone(resident: Resident<R>): void;
}

/** Separate from the caller's handle, so that a dropped handle can be garbage-collected and noticed. */
export abstract class Resident<R> {
  readonly home: Home<R>;
  readonly #what: string;
  /** The executor that holds it; undefined before it is made. */
  #executor: SessionExecutor<R> | undefined;
  #number = 0;
  #disposal: Promise<void> | undefined;

  constructor(what: string, home: Home<R>) {
    this.#what = what;
    this.home = home;
  }

  /** Makes it in an executor; returns its number there. Called again for each new executor. */
  protected abstract make(executor: SessionExecutor<R>): Promise<number>;

  /** Frees it in the executor that holds it. */
  protected abstract free(executor: SessionExecutor<R>, number: number): Promise<unknown>;

  /** Releases data that only `make` needs. */
  protected forget?(): void;

  /** Queues `job`, which gets the current executor and this resident's number in it. */
  async perform<T>(
    job: (executor: SessionExecutor<R>, number: number) => Promise<T>,
    signal?: AbortSignalLike,
  ): Promise<T> {
    this.check();
    const { queue, supervisor } = this.home;
    return queue.add(
      () => supervisor.perform(async (executor) => job(executor, await this.in(executor)), signal),
      signal,
    );
  }

  /** Its number in an executor; makes it there if needed. Called within the queue. */
  async in(executor: SessionExecutor<R>): Promise<number> {
    if (this.#executor !== executor) {
      this.#number = await this.make(executor);
      this.#executor = executor;
    }
    return this.#number;
  }

  /** Throws `disposed` if it, or its runtime, has been disposed. */
  check(): void {
    if (this.#disposal) throw new ForjaError('disposed', `${this.#what}: it has been disposed`);
  }

  /** Frees it after the jobs already queued. */
  dispose(): Promise<void> {
    this.#disposal ??= this.home.queue
      .add(async () => {
        const executor = this.#executor;
        if (executor && !executor.dead)
          await this.free(executor, this.#number).catch((error: unknown) => {
            if (!executor.dead) throw error; // a dead executor has freed it
          });
      })
      .finally(this.#end);
    this.home.dropped.unwatch(this);
    return this.#disposal;
  }

  /** Marks it as disposed because its runtime ends; `over` settles once the runtime has freed it. */
  close(over: Promise<void>): void {
    this.#disposal ??= over.then(this.#end, this.#end);
    this.home.dropped.unwatch(this);
  }

  readonly #end = (): void => {
    this.forget?.();
    this.home.gone(this);
  };
}
