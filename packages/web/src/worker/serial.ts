// One thing after another. A failure concerns only its own caller.
import { abortError } from '@forja/core';

/** A queue of asynchronous jobs, run one at a time in order. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Queues `job`; it is dropped if `signal` aborts before its turn. */
  add<T>(signal: AbortSignal | undefined, job: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => {
      if (signal?.aborted) throw abortError(signal.reason);
      return job();
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}
