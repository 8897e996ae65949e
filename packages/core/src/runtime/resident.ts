// What a runtime keeps in its executor for a handle that callers have: a session, or state that sessions share. Where
// it is, and how it is made again in the next executor.
import { ForjaError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { DroppedHandles } from './dropped.js';
import type { SessionExecutor, SessionRecord } from './executor.js';
import type { Fifo } from './fifo.js';
import type { Supervisor } from './supervisor.js';

/** What a resident needs of its runtime. */
export interface Home<R> {
  readonly queue: Fifo;
  readonly supervisor: Supervisor<SessionExecutor<R>>;
  readonly dropped: DroppedHandles;
  /** A session was made again. */
  made(record: SessionRecord): void;
  /** It was freed. */
  gone(resident: Resident<R>): void;
}

/** Apart from the handle, so that a handle which nobody has any more can be noticed. */
export abstract class Resident<R> {
  readonly home: Home<R>;
  readonly #what: string;
  /** Where it is; undefined before it was made. */
  #executor: SessionExecutor<R> | undefined;
  #number = 0;
  #disposal: Promise<void> | undefined;

  constructor(what: string, home: Home<R>) {
    this.#what = what;
    this.home = home;
  }

  /** Makes it in an executor, the first or another; returns its number there. */
  protected abstract make(executor: SessionExecutor<R>): Promise<number>;

  /** Frees it where it is. */
  protected abstract free(executor: SessionExecutor<R>, number: number): Promise<unknown>;

  /** Lets go of what only `make` needs. */
  protected forget?(): void;

  /** Queues `job`; it gets the executor of the day and this one's number there. */
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

  /** Its number in an executor, where it is made if need be. Called within the queue. */
  async in(executor: SessionExecutor<R>): Promise<number> {
    if (this.#executor !== executor) {
      this.#number = await this.make(executor);
      this.#executor = executor;
    }
    return this.#number;
  }

  /** Throws `disposed`. */
  check(): void {
    if (this.#disposal) throw new ForjaError('disposed', `${this.#what}: it has been disposed`);
  }

  /** Frees it after what is queued. */
  dispose(): Promise<void> {
    this.#disposal ??= this.home.queue
      .add(async () => {
        const executor = this.#executor;
        if (executor && !executor.dead)
          await this.free(executor, this.#number).catch((error: unknown) => {
            if (!executor.dead) throw error; // one that dies meanwhile takes it along
          });
      })
      .finally(this.#end);
    this.home.dropped.unwatch(this);
    return this.#disposal;
  }

  /** Marks it as gone with its runtime, which frees it after what is queued: when `over` settles. */
  close(over: Promise<void>): void {
    this.#disposal ??= over.then(this.#end, this.#end);
    this.home.dropped.unwatch(this);
  }

  readonly #end = (): void => {
    this.forget?.();
    this.home.gone(this);
  };
}
