// What executes models for a page: a worker, or the page itself. Beside what every executor does, it fetches models and
// says what they are.
import { abortError, DeviceError, fromErrorRecord } from '@forja/core/page';
import type { AbortSignalLike, DeviceName, DeviceReport, Manifest, SessionExecutor } from '@forja/core';
import type { FetchArguments, Fetched, LoadProgress, Operations, Recipe } from './protocol.js';
import { openWorker } from './remote.js';

/** Where models are executed. */
export type ExecutorName = 'worker' | 'inline';

/** What an executor must know before its first session. */
export interface ExecutorOptions {
  device: DeviceName;
  threads: number | undefined;
  executor: ExecutorName;
  /** A call that takes longer means that the executor hangs. Infinity: never. */
  timeoutMs: number;
  /** Folder with the worker and onnxruntime's files. */
  assets: string | undefined;
}

/** What a caller may add to a fetch. */
export interface FetchOptions {
  signal?: AbortSignalLike | undefined;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** An executor that has been opened. */
export interface WebExecutor extends SessionExecutor<Recipe> {
  /** What it would use, found when it was opened. */
  readonly device: DeviceReport;
  /** May overlap with other calls. */
  fetch(args: FetchArguments, options: FetchOptions): Promise<Fetched>;
  identify(args: Operations['identify'][0]): Promise<Manifest>;
}

/** A fresh executor. Each kind is loaded when it is first wanted: a page begins with less. */
export async function openExecutor(options: ExecutorOptions): Promise<WebExecutor> {
  if ('ServiceWorkerGlobalScope' in globalThis)
    throw new DeviceError(
      'device.unavailable',
      'runtime: expected a page, got a service worker, which starts no workers; load in the page',
    );
  if (options.executor === 'worker') return openWorker(options);
  return (await import('./inline.js')).openInline(options, { abortError, fromErrorRecord });
}
