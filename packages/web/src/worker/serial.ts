// One thing after another. A failure concerns only its own caller.
import { abortError } from '@forja/core';

/** A queue of asynchronous jobs, run one at a time in order. */
export class Serial {
  readonly #channel = new MessageChannel();
  #tail: Promise<unknown> = Promise.resolve();

  /** Queues `job`; it is dropped if `signal` aborts before its turn. */
  add<T>(signal: AbortSignal | undefined, job: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(async () => {
      // onnxruntime computes without yielding: an abort that came meanwhile waits among the messages, and is heard before the next job begins.
      await this.#messages();
      if (signal?.aborted) throw abortError(signal.reason);
      return job();
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves after the messages that have arrived already. */
  #messages(): Promise<void> {
    return new Promise((resolve) => {
      this.#channel.port1.onmessage = () => resolve();
      this.#channel.port2.postMessage(null);
    });
  }
}
