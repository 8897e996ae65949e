// A queue of jobs, with aborts that take effect immediately. A failure reaches only its own caller.
import { abortError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';

/** A queue of asynchronous jobs, run one at a time in order. */
export class Fifo {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Jobs that wait or run. */
  get length(): number {
    return this.#length;
  }

  /**
   * Queues `job`. When `signal` aborts, rejects immediately: a waiting job is dropped; a running job finishes, and its
   * result is dropped.
   */
  add<T>(job: () => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortError(signal.reason));
    this.#length++;
    const turn = this.#tail.then(() => {
      if (signal?.aborted) throw abortError(signal.reason);
      return job();
    });
    const settled = (): void => void this.#length--;
    this.#tail = turn.then(settled, settled);
    if (!signal) return turn;
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(abortError(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}
