// Keeps an executor at hand: opens it on first use, and when it dies, hangs or loses its device, tells once, opens another and does the job once more.
// Generation is pure, so doing it again is safe; what is not (state) refuses by itself with `StateLost`.
import { DeviceError, ForjaError } from '@forja/core';
import type { RunOptions, RuntimeEvent } from '@forja/core';
import type { Executor, ExecutorOptions } from './contract.js';
import { openExecutor } from './open.js';

/** Thrown by a job that cannot be done on another executor than the one that is gone. Nothing is wrong with the new one. */
export class StateLost extends DeviceError {
  constructor() {
    super('device.lost', 'session: its state was lost with the executor that held it: make the session again from the last state read');
  }
}

/** The one executor of a runtime, and its successors. Jobs must not overlap. */
export class Supervisor {
  readonly #options: ExecutorOptions;
  readonly #onEvent: (event: RuntimeEvent) => void;
  readonly #start: typeof openExecutor;
  #executor: Executor | undefined;
  #closed = false;

  /** `start` is another one in tests only. */
  constructor(options: ExecutorOptions, onEvent: (event: RuntimeEvent) => void, start: typeof openExecutor = openExecutor) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#start = start;
  }

  /** Does `job`. Rejects with `device.lost` when a second executor is lost over it too, or when nobody waits for it any more. */
  async perform<T>(job: (executor: Executor) => Promise<T>, signal?: RunOptions['signal']): Promise<T> {
    for (let again = false; ; again = true) {
      const executor = await this.#open();
      try {
        return await job(executor);
      } catch (error) {
        if (!(error instanceof DeviceError) || error.code !== 'device.lost' || error instanceof StateLost) throw error;
        // A lost GPU leaves its executor alive, but of no more use.
        if (!executor.dead) executor.kill(error);
        if (signal?.aborted) throw error;
        if (again) throw new DeviceError('device.lost', `${error.message.replace(/\.$/, '')}; tried again on a fresh executor, with the same end`, { cause: error });
      }
    }
  }

  /** Ends the executor, if there is one; there will be no other. */
  async close(): Promise<void> {
    const executor = this.#executor;
    this.#executor = undefined;
    this.#closed = true;
    if (executor && !executor.dead) await executor.call('close', {}).catch((error: unknown) => {
      if (!executor.dead) throw error; // dead is as good as closed
    });
  }

  async #open(): Promise<Executor> {
    if (this.#closed) throw new ForjaError('disposed', 'runtime: it has been disposed');
    const last = this.#executor;
    if (last && !last.dead) return last;
    this.#executor = undefined; // opening may fail, and is no second loss then
    // In a turn of its own: what a listener throws is not the business of the caller who happens to be first.
    if (last?.dead) process.nextTick(this.#onEvent, { type: 'restarted', reason: last.dead.message } satisfies RuntimeEvent);
    return (this.#executor = await this.#start(this.#options));
  }
}
