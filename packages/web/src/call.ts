// The page's end of the worker: posts calls, matches replies, turns abort and a dead worker into errors. Knows no ONNX.
import { abortError, DeviceError, fromErrorRecord } from '@forja/core';
import type { AbortSignalLike, ForjaError } from '@forja/core';
import type { LoadProgress, Operation, Operations, Reply, Request } from './protocol.js';

/** What a caller may add to a call. */
export interface CallOptions {
  signal?: AbortSignalLike | undefined;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onProgress: ((progress: LoadProgress) => void) | undefined;
}

/** A worker and its calls. Calls are answered in any order; the worker itself runs sessions one at a time. */
export class Caller {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #next = 1;
  #answered = false;
  #dead: ForjaError | undefined;

  constructor(worker: Worker, where: string) {
    this.#worker = worker;
    worker.addEventListener('message', (event: MessageEvent<Reply>) => this.#receive(event.data));
    worker.addEventListener('messageerror', () => this.#fail(new DeviceError('device.lost', 'worker: a reply could not be read')));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(
        this.#answered
          ? new DeviceError('device.lost', `worker: ended by an error: ${event.message}`)
          : new DeviceError(
              'device.unavailable',
              `worker: could not start from ${where}${event.message ? `: ${event.message}` : ''}. Is the file served, as JavaScript, from this origin, and does the page's CSP allow it ` +
                "(worker-src 'self'; script-src 'self' 'wasm-unsafe-eval')? Bundlers that do not follow `new Worker(new URL(...))` need `forja-web-assets <dir>` and the option `assets`.",
            ),
      );
    });
  }

  /** Posts one call. Buffers in `transfer` leave this thread. */
  call<K extends Operation>(op: K, args: Operations[K][0], options: CallOptions = {}, transfer: Transferable[] = []): Promise<Operations[K][1]> {
    if (this.#dead) return Promise.reject(this.#dead);
    const { signal, onProgress } = options;
    if (signal?.aborted) return Promise.reject(abortError(signal.reason));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#pending.delete(id);
        this.#post({ abort: id });
        reject(abortError(signal?.reason));
      };
      const done = (): void => signal?.removeEventListener('abort', onAbort);
      this.#pending.set(id, {
        // The worker answers `op` with its own result type: protocol.ts is the one table for both ends.
        resolve: (value) => (done(), resolve(value as Operations[K][1])),
        reject: (error) => (done(), reject(error instanceof Error ? error : new Error(String(error)))),
        onProgress,
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        // `op` and `args` are bound by K; the union cannot express that.
        this.#post({ id, op, args } as Request, transfer);
      } catch (error) {
        this.#pending.delete(id);
        done();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Ends the worker now; calls under way reject with `error`. */
  terminate(error: ForjaError): void {
    this.#fail(error);
  }

  #post(message: Request, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(reply: Reply): void {
    this.#answered = true;
    const pending = this.#pending.get(reply.id);
    if (!pending) return; // aborted meanwhile: the result is dropped
    if ('progress' in reply) return pending.onProgress?.(reply.progress);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending.reject(fromErrorRecord(reply.error));
    else pending.resolve(reply.result);
  }

  #fail(error: ForjaError): void {
    if (this.#dead) return;
    this.#dead = error;
    this.#worker.terminate();
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
