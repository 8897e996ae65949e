// The interface of a page's executors: a worker, or the page itself. In addition to core's operations, they fetch
// models and determine their manifests. CONTRACT.
import type { AbortSignalLike, DeviceName, DeviceReport, SessionExecutor } from '@forja/core';
import type { FetchArguments, Fetched, LoadProgress, Operation, Operations, Recipe } from './protocol.js';

/** Where models are executed. */
export type ExecutorName = 'worker' | 'inline';

/** Options with which an executor is opened, before its first session. */
export interface ExecutorOptions {
  device: DeviceName;
  threads: number | undefined;
  executor: ExecutorName;
  /** An executor whose call takes longer is considered hung. Infinity: never. */
  timeoutMs: number;
  /** Folder with the worker and onnxruntime's files. */
  assets: string | undefined;
}

/** Options of a fetch. */
export interface FetchOptions {
  signal?: AbortSignalLike | undefined;
  onProgress?: ((progress: LoadProgress) => unknown) | undefined;
}

/** An executor that has been opened. */
export interface WebExecutor extends SessionExecutor<Recipe> {
  /** The device that it would use, determined when it was opened. */
  readonly device: DeviceReport;
  /** May overlap with other calls. */
  fetch(args: FetchArguments, options: FetchOptions): Promise<Fetched>;
  call<K extends Operation>(op: K, args: Operations[K][0], give?: boolean): Promise<Operations[K][1]>;
}
