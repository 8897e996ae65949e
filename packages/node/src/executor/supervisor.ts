// Keeps an executor at hand: opens it on first use, and when it dies, hangs or loses its device, tells once, opens another and does the job once more.
// Generation is pure, so doing it again is safe; what is not (state) refuses by itself with `StateLost`.
import { DeviceError } from '@forja/core';
import type { RuntimeEvent } from '@forja/core';
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
  #executor: Executor | undefined;

  constructor(options: ExecutorOptions, onEvent: (event: RuntimeEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
  }

  /** Does `job`. Rejects with `device.lost` when a second executor is lost over it too. */
  async perform<T>(job: (executor: Executor) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true) {
      const executor = await this.#open();
      try {
        return await job(executor);
      } catch (error) {
        if (!(error instanceof DeviceError) || error.code !== 'device.lost' || error instanceof StateLost) throw error;
        // A lost GPU leaves its executor alive, but of no more use.
        if (!executor.dead) executor.kill(error);
        if (again) throw new DeviceError('device.lost', `${error.message.replace(/\.$/, '')}; tried again on a fresh executor, with the same end`, { cause: error });
      }
    }
  }

  /** Ends the executor, if there is one. The next job would open another. */
  async close(): Promise<void> {
    const executor = this.#executor;
    this.#executor = undefined;
    if (executor && !executor.dead) await executor.call('close', {}).catch((error: unknown) => {
      if (!executor.dead) throw error; // dead is as good as closed
    });
  }

  async #open(): Promise<Executor> {
    const last = this.#executor;
    if (last && !last.dead) return last;
    if (last?.dead) this.#onEvent({ type: 'restarted', reason: last.dead.message });
    this.#executor = undefined; // opening may fail
    return (this.#executor = await openExecutor(this.#options));
  }
}
