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
  #executor: SessionExecutor<R>;
  #number: number;
  #disposal: Promise<void> | undefined;

  constructor(what: string, home: Home<R>, executor: SessionExecutor<R>, number: number) {
    this.#what = what;
    this.home = home;
    this.#executor = executor;
    this.#number = number;
  }

  /** Makes it again in another executor; returns its number there. */
  protected abstract remake(executor: SessionExecutor<R>): Promise<number>;

  /** Frees it where it is. */
  protected abstract free(executor: SessionExecutor<R>, number: number): Promise<unknown>;

  /** Lets go of what only `remake` needs. */
  protected abstract forget(): void;

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

  /** Its number in an executor, where it is made again if need be. Called within the queue. */
  async in(executor: SessionExecutor<R>): Promise<number> {
    if (this.#executor !== executor) {
      this.#number = await this.remake(executor);
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
        this.forget();
        const executor = this.#executor;
        // One that dies meanwhile takes it along.
        if (!executor.dead)
          await this.free(executor, this.#number).catch((error: unknown) => void (executor.dead ?? raise(error)));
      })
      .finally(() => this.home.gone(this));
    this.home.dropped.unwatch(this);
    return this.#disposal;
  }

  /** Marks it as gone with its runtime, which frees it after what is queued: when `over` settles. */
  close(over: Promise<void>): void {
    const gone = (): void => {
      this.forget();
      this.home.gone(this);
    };
    this.#disposal ??= over.then(gone, gone);
    this.home.dropped.unwatch(this);
  }
}

function raise(error: unknown): never {
  throw error;
}
