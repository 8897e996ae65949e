// Keeps one executor running: opens it on first use; when it dies, hangs or loses its device, reports that once, opens
// another and retries the job once. A retry is safe, because runs have no side effects except on state, and jobs that
// need lost state throw `StateLost`.
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

/** Manages a runtime's executor and its replacements. */
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

  /** Runs `job`. Rejects with `device.lost` if a second executor is lost too, or if the job was aborted meanwhile. */
  async perform<T>(job: (executor: E) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    for (let again = false; ; again = true) {
      const executor = await this.#open();
      try {
        return await job(executor);
      } catch (error) {
        if (!(error instanceof DeviceError) || error.code !== 'device.lost' || error instanceof StateLost) throw error;
        // After a GPU is lost, its executor is alive but useless.
        if (!executor.dead) executor.kill(error);
        if (signal?.aborted) throw error;
        if (again)
          throw new DeviceError(
            'device.lost',
            `${error.message.replace(/\.$/, '')}; the same happened again on a fresh executor`,
            { cause: error },
          );
      }
    }
  }

  /** Ends the executor, if any, and prevents further ones. */
  async close(): Promise<void> {
    this.#closed = true;
    // If opening fails, the job that waits for it gets the error.
    const executor = this.#executor ?? (await this.#opening?.catch(() => undefined));
    this.#executor = undefined;
    if (executor && !executor.dead)
      await executor.call('close', {}).catch((error: unknown) => {
        if (!executor.dead) throw error; // a dead executor counts as closed
      });
  }

  /** Opens one executor at a time; concurrent callers share it. */
  #open(): Promise<E> {
    if (this.#closed) return Promise.reject(new ForjaError('disposed', 'runtime: it has been disposed'));
    const last = this.#executor;
    if (last && !last.dead) return Promise.resolve(last);
    this.#opening ??= this.#replace(last).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #replace(last: E | undefined): Promise<E> {
    this.#executor = undefined; // if opening fails, that does not count as a second loss
    const reason = last?.dead?.message;
    // In a microtask, so that a listener's exception does not reach an unrelated caller.
    if (reason !== undefined) platform().queueMicrotask(() => this.#onEvent({ type: 'restarted', reason }));
    return (this.#executor = await this.#start());
  }
}
