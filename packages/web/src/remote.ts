// The page's end of the worker: posts calls, matches replies, and turns aborts, hangs and dead workers into errors.
import { abortError, buffersOf, DeviceError, ForjaError, fromErrorRecord, watchdog } from '@forja/core/page';
import type { DeviceReport } from '@forja/core';
import type { ExecutorOptions, FetchOptions, WebExecutor } from './contract.js';
import { startWorker, unavailable } from './start-worker.js';
import type { FetchArguments, Fetched, Operation, Operations, Reply, Request } from './protocol.js';

/** Extra time for an answer that has already arrived but waits because the page was busy. */
const GRACE_MS = 100;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onProgress: ((progress: never) => void) | undefined;
}

/** An executor in a worker of its own. */
export async function openWorker(options: ExecutorOptions): Promise<WebExecutor> {
  const { worker, where } = await startWorker(options.assets);
  const remote = new Remote(worker, where, options.timeoutMs);
  try {
    remote.device = await remote.call('open', { device: options.device, threads: options.threads });
  } catch (error) {
    remote.kill(new ForjaError('disposed', 'runtime: it could not be opened', { cause: error }));
    throw error;
  }
  return remote;
}

/** A worker and its calls. */
class Remote implements WebExecutor {
  /** Set once it is open. */
  device!: DeviceReport;
  dead: Error | undefined;
  readonly #worker: Worker;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  #next = 1;
  #answered = false;

  constructor(worker: Worker, where: string, timeoutMs: number) {
    this.#worker = worker;
    this.#timeoutMs = timeoutMs;
    worker.addEventListener('message', (event: MessageEvent<Reply>) => this.#receive(event.data));
    worker.addEventListener('messageerror', () => this.kill(lost('a reply could not be read')));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (this.#answered) this.kill(lost(`the worker failed: ${event.message}`));
      else void unavailable(({ stillborn }) => stillborn(where, event.message)).then((why) => this.kill(why));
    });
  }

  async call<K extends Operation>(op: K, args: Operations[K][0], give = false): Promise<Operations[K][1]> {
    const timeoutMs = this.#timeoutMs;
    let over = false;
    const late = (): void => {
      if (!over) this.kill(lost(`it gave no answer to '${op}' within ${timeoutMs} ms (option timeoutMs), so it hangs`));
    };
    const stop = watchdog(timeoutMs, () => setTimeout(late, GRACE_MS));
    try {
      // Progress that arrives after the result updates the result object, which the caller keeps; for example, the
      // device in the record of a session.
      const onProgress = (renewed: object): void => void Object.assign(result as object, renewed);
      const result: Operations[K][1] = await this.#post(op, args, { onProgress }, give ? buffersIn(args) : []);
      if (op === 'close') this.kill(new ForjaError('disposed', 'runtime: it has been disposed'));
      return result;
    } finally {
      over = true;
      stop();
    }
  }

  /** No time limit, because downloads may take long. The next call detects a hung worker. */
  fetch(args: FetchArguments, options: FetchOptions): Promise<Fetched> {
    return this.#post('fetch', args, options);
  }

  kill(why: Error): void {
    if (this.dead) return;
    this.dead = why;
    this.#worker.terminate();
    for (const pending of this.#pending.values()) pending.reject(why);
    this.#pending.clear();
  }

  /** Posts one call. Buffers in `transfer` leave this thread. */
  async #post<K extends Operation>(
    op: K,
    args: Operations[K][0],
    { signal, onProgress }: FetchOptions,
    transfer: Transferable[] = [],
  ): Promise<Operations[K][1]> {
    if (this.dead) throw this.dead;
    if (signal?.aborted) throw abortError(signal.reason);
    const id = this.#next++;
    return new Promise<Operations[K][1]>((resolve, reject) => {
      const onAbort = (): void => {
        this.#pending.delete(id);
        this.#worker.postMessage({ abort: id } satisfies Request);
        reject(abortError(signal?.reason));
      };
      const done = (): void => signal?.removeEventListener('abort', onAbort);
      const pending: Pending = {
        // The result type of `op` is ensured by the shared table in protocol.ts.
        resolve: (value) => (done(), resolve(value as Operations[K][1])),
        reject: (error) => (done(), reject(error instanceof Error ? error : new Error(String(error)))),
        onProgress,
      };
      this.#pending.set(id, pending);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        // `op` and `args` are bound by K; the union cannot express that.
        this.#worker.postMessage({ id, op, args } as Request, transfer);
      } catch (error) {
        this.#pending.delete(id);
        pending.reject(error);
      }
    });
  }

  #receive(reply: Reply): void {
    this.#answered = true;
    const pending = this.#pending.get(reply.id);
    if (!pending) return; // aborted meanwhile: the result is dropped
    // The cast: the progress of a call has the type that its listener takes.
    if ('progress' in reply) return pending.onProgress?.(reply.progress as never);
    if (!('more' in reply)) this.#pending.delete(reply.id);
    if ('error' in reply) pending.reject(fromErrorRecord(reply.error));
    else pending.resolve(reply.result);
  }
}

function lost(why: string): DeviceError {
  return new DeviceError('device.lost', `executor: ${why}`);
}

/** The buffers of the tensors among the arguments. */
function buffersIn(args: Operations[Operation][0]): ArrayBuffer[] {
  return buffersOf('feeds' in args ? args.feeds : 'values' in args ? args.values : {});
}
