// Keeps an executor at hand: opens it on first use, and when it dies, hangs or loses its device, tells once, opens
// another and does the job once more. Generation is pure, so doing it again is safe; what is not (state) refuses by
// itself with `StateLost`.
import { DeviceError, ForjaError, StateLost } from '../errors.js';
import { platform } from '../platform.js';
import type { AbortSignalLike } from '../platform.js';
import type { RuntimeEvent } from './session.js';

/** The part of an executor that a {@link Supervisor} needs. */
export interface Replaceable {
  call(op: 'close', args: Record<string, never>): Promise<unknown>;
  kill(why: Error): void;
  readonly dead: Error | undefined;
}

/** The one executor of a runtime, and its successors. */
export class Supervisor<E extends Replaceable> {
  readonly #start: () => Promise<E>;
  readonly #onEvent: (event: RuntimeEvent) => void;
  #executor: E | undefined;
  #opening: Promise<E> | undefined;
  #closed = false;

  /** `start` opens a fresh executor. */
  constructor(start: () => Promise<E>, onEvent: (event: RuntimeEvent) => void) {
    this.#start = start;
    this.#onEvent = onEvent;
  }

  /**
   * Does `job`. Rejects with `device.lost` when a second executor is lost over it too, or when nobody waits for it any
   * more.
   */
  async perform<T>(job: (executor: E) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    for (let again = false; ; again = true) {
      const executor = await this.#open();
      try {
        return await job(executor);
      } catch (error) {
        if (!(error instanceof DeviceError) || error.code !== 'device.lost' || error instanceof StateLost) throw error;
        // A lost GPU leaves its executor alive, but of no more use.
        if (!executor.dead) executor.kill(error);
        if (signal?.aborted) throw error;
        if (again)
          throw new DeviceError(
            'device.lost',
            `${error.message.replace(/\.$/, '')}; tried again on a fresh executor, with the same end`,
            { cause: error },
          );
      }
    }
  }

  /** Ends the executor, if there is one; there will be no other. */
  async close(): Promise<void> {
    this.#closed = true;
    const executor = this.#executor ?? (await this.#opening?.catch(() => undefined)); // who waits for it is told
    this.#executor = undefined;
    if (executor && !executor.dead)
      await executor.call('close', {}).catch((error: unknown) => {
        if (!executor.dead) throw error; // dead is as good as closed
      });
  }

  /** One at a time, whoever asks. */
  #open(): Promise<E> {
    if (this.#closed) return Promise.reject(new ForjaError('disposed', 'runtime: it has been disposed'));
    const last = this.#executor;
    if (last && !last.dead) return Promise.resolve(last);
    this.#opening ??= this.#replace(last).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #replace(last: E | undefined): Promise<E> {
    this.#executor = undefined; // opening may fail, and is no second loss then
    const reason = last?.dead?.message;
    // In a turn of its own: what a listener throws is not the business of the caller who happens to be first.
    if (reason !== undefined) platform().queueMicrotask(() => this.#onEvent({ type: 'restarted', reason }));
    return (this.#executor = await this.#start());
  }
}
