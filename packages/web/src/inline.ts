// An executor in the caller's thread: the page, which each run then blocks, or a worker of the app. WASM only, on one
// thread. Built separately with its own copy of parts of core, so that pages with a worker do not load it. Errors are
// made by functions of the page's core, so that their classes match.
import { toErrorRecord } from '@forja/core';
import type { abortError, DeviceReport, fromErrorRecord } from '@forja/core';
import type { ExecutorOptions, FetchOptions, WebExecutor } from './contract.js';
import type { FetchArguments, Fetched, LoadProgress, Operation, Operations } from './protocol.js';
import type { Handlers } from './worker/contract.js';
import { createExecutor } from './worker/executor.js';
import { WASM_FILE } from './worker/files.js';

/** Error functions of the page's core. */
interface Errors {
  abortError: typeof abortError;
  fromErrorRecord: typeof fromErrorRecord;
}

/** Opens an inline executor. */
export async function openInline({ device, assets }: ExecutorOptions, errors: Errors): Promise<WebExecutor> {
  const wasm = assets === undefined ? {} : { wasmFile: new URL(WASM_FILE, assets).href };
  const inline = new Inline(
    createExecutor({ executor: 'inline', builds: { wasm: () => import('onnxruntime-web/wasm') }, ...wasm }),
    errors,
  );
  inline.device = await inline.call('open', { device, threads: 1 });
  return inline;
}

class Inline implements WebExecutor {
  /** Set once it is open. */
  device!: DeviceReport;
  dead: Error | undefined;
  readonly #handlers: Handlers;
  readonly #errors: Errors;

  constructor(handlers: Handlers, errors: Errors) {
    this.#handlers = handlers;
    this.#errors = errors;
  }

  call<K extends Operation>(op: K, args: Operations[K][0]): Promise<Operations[K][1]> {
    return this.#do(op, args, {});
  }

  fetch(args: FetchArguments, options: FetchOptions): Promise<Fetched> {
    return this.#do('fetch', args, options);
  }

  kill(why: Error): void {
    this.dead = why;
    void this.#handlers
      .close({}, { signal: new AbortController().signal, progress: () => undefined })
      .catch(() => undefined); // nothing more can be done
  }

  async #do<K extends Operation>(
    op: K,
    args: Operations[K][0],
    { signal, onProgress }: FetchOptions,
  ): Promise<Operations[K][1]> {
    if (this.dead) throw this.dead;
    const { abortError, fromErrorRecord } = this.#errors;
    if (signal?.aborted) throw abortError(signal.reason);
    const control = new AbortController();
    let failed: { error: unknown } | undefined; // what the listener threw
    const onAbort = (): void => control.abort();
    const progress = (of: unknown): void =>
      void Promise.resolve(of as LoadProgress) // the cast: inline, only a fetch reports progress
        .then(onProgress)
        .catch((error: unknown) => {
          failed ??= { error };
          control.abort();
        });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const handler: Handlers[K] = this.#handlers[op];
      const result = await handler(args, { signal: control.signal, progress });
      if (failed) throw failed.error;
      return result;
    } catch (error) {
      if (failed) throw failed.error;
      throw signal?.aborted ? abortError(signal.reason) : fromErrorRecord(toErrorRecord(error));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
}
