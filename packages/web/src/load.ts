// `load`: from a URL, Blob or bytes to a Generator. The worker fetches, checks and keeps the bytes.
import {
  abortError,
  classOf,
  Generator,
  isBytes,
  optionsOf,
  madeHere,
  SharedRuntimes,
  shown,
  UsageError,
} from '@forja/core/page';
import type { AbortSignalLike, BatchOptions, Expectations, Lease, Manifest, Precision } from '@forja/core';
import { absolute } from './address.js';
import { blobOf } from './post.js';
import type { LoadProgress, PostedSource } from './protocol.js';
import { executorOptions, RUNTIME_OPTIONS, warn, warnOf, WorkerRuntime } from './runtime.js';
import type { RuntimeOptions } from './runtime.js';

/** Options of {@link load}, in addition to those of the runtime. */
export interface LoadOptions extends RuntimeOptions {
  /** Fail if any node would run on another device than requested. */
  strict?: boolean;
  /** Micro-batching: pictures per run, milliseconds to wait for more, and maximum requests at once. */
  batch?: BatchOptions;
  /** Run once before resolving, at batch 1 (`true`) or at these batch sizes. Default false. */
  warmup?: boolean | readonly number[];
  /**
   * `auto` (default): on WASM, in the worker, runs of 8 or more rows compute convolutions by the algorithm with the
   * lowest estimated cost. The first such run starts the preparation in the background; once it is done,
   * `device.convolutions` names the algorithms. Pictures from small and from large runs differ by less than 1e-5 of
   * their range of values. `portable`: all runs compute the file's own convolutions.
   */
  lowering?: 'auto' | 'portable';
  /**
   * Use one form of the model for every run: a picture has the same bits in any batch, at any time. With `lowering:
   * 'auto'`, convolutions are replaced at load, which takes longer, and single pictures may be slower. Default false.
   */
  deterministic?: boolean;
  /**
   * `auto` (default): the file's precision. `fp16`: a float32 file is converted if WebGPU runs on an adapter with
   * `shader-f16` and a check on one input passes; else it stays in float32, and `device.reasons` says why. `fp32`: a
   * file in half precision is not converted; `device.reasons` says so. With `strict`, another precision than requested
   * is an error.
   */
  precision?: Precision;
  /** Properties that the file must have, else `load` refuses it. */
  expect?: Expectations;
  /** Overrides fields of the file's manifest, or describes a model that has no manifest. */
  manifest?: Partial<Manifest>;
  /**
   * What to do when the bytes do not match the manifest's SHA-256. Default `error`; `warn` prints a warning on the
   * console.
   */
  integrity?: 'error' | 'warn' | 'off';
  signal?: AbortSignalLike;
  /** Called as bytes arrive. `loaded` never decreases and never exceeds `total`. */
  onProgress?: (progress: LoadProgress) => void;
  /**
   * Name of a store in the browser's Cache Storage for downloaded models, which are revalidated with their ETag, and
   * used offline. Default: no cache.
   */
  cache?: string;
}

const OWN = 'batch cache deterministic expect integrity lowering manifest onProgress precision signal strict warmup';

const LOAD_OPTIONS = `${RUNTIME_OPTIONS} ${OWN}` as const;

const shared = new SharedRuntimes<WorkerRuntime>();

/**
 * Loads a generator. `source`: a URL (relative ones are relative to the page), a Blob or File, or the bytes. External
 * data is fetched only from the URL's folder. Rejects with `model.notFound`, `model.format`, `model.truncated`,
 * `model.integrity`, `model.unsupported`, `device.unavailable`, `io`, `usage` or `aborted`. Generators with the same
 * device, threads, executor, assets and timeout share a worker; `dispose()` of the last one ends it, which is the only
 * way to free WebAssembly memory.
 */
export async function load(source: string | URL | Uint8Array | Blob, options: LoadOptions = {}): Promise<Generator> {
  const made = madeHere(load);
  optionsOf('load', options, LOAD_OPTIONS);
  const { signal, onEvent = warnOf, cache } = options;
  if (signal?.aborted) throw abortError(signal.reason);
  if (cache !== undefined && (typeof cache !== 'string' || cache === ''))
    throw new UsageError(`load.cache: expected the name of a store, got ${shown(cache)}`);
  const from = postedSource(source);
  const executor = executorOptions(options);
  const key = JSON.stringify([
    executor.device,
    executor.threads,
    executor.executor,
    executor.assets,
    String(executor.timeoutMs),
  ]);
  const share = shared.lease(key, (tell) => new WorkerRuntime(executor, tell), onEvent);
  const loading = loadWith(share, from, options, made);
  try {
    return await (signal ? unlessAborted(loading, signal) : loading);
  } catch (error) {
    // After an abort, the worker may be busy with work that cannot be interrupted; the caller does not wait for it.
    const over = loading
      .then(
        (generator) => generator.dispose(),
        () => share.release(),
      )
      .catch(() => undefined); // the caller gets the first error
    if (!signal?.aborted) await over;
    throw error;
  }
}

async function loadWith(
  { runtime, release }: Lease<WorkerRuntime>,
  source: PostedSource,
  options: LoadOptions,
  made: string,
): Promise<Generator> {
  const {
    signal,
    integrity = 'error',
    precision = 'auto',
    expect = {},
    manifest: given,
    batch,
    strict,
    lowering = 'auto',
    deterministic,
    warmup = false,
    onProgress,
    cache,
  } = options;
  const fetched = await runtime.fetch({ source, integrity, expect, cache }, { signal, onProgress });
  fetched.warnings.forEach(warn);
  if (signal?.aborted) throw abortError(signal.reason);
  const rows = deterministic ? undefined : Math.max(...([warmup].flat() as number[])); // booleans become 0 or 1
  // `free` is not a closure created here: closures of one scope share their variables, so it would keep `session`
  // alive.
  const held = { what: 'generator', made, free: release };
  const session = await runtime.open(fetched, { precision, strict, lowering, rows }, held);
  try {
    const manifest = await runtime.identify(session, fetched.manifest, given);
    const generator = new Generator({
      session,
      manifest,
      modelBytes: [...fetched.external.values()].reduce((sum, { size }) => sum + size, fetched.model.size),
      batch,
      dispose: () => session.dispose().finally(release),
    });
    await generator.warmup(warmup === true ? [1] : warmup || []);
    return generator;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

function postedSource(source: unknown): PostedSource {
  // Resolved here, because inside the worker a relative address would mean the worker's folder.
  const kind = classOf(source); // instanceof is false for objects of another frame
  if (kind === 'String' || kind === 'URL') return { url: absolute('load', 'a URL', String(source)) };
  if (kind === 'File') return { blob: source as File, name: (source as File).name }; // a File, by its class name
  if (kind === 'Blob') return { blob: source as Blob, name: 'the Blob given' }; // likewise
  if (isBytes(source)) return { blob: blobOf(source), name: 'the bytes given' };
  throw new UsageError(`load: expected a URL, a Blob or a Uint8Array, got ${shown(source)}`);
}

/** Rejects immediately when `signal` aborts; the caller frees what was started. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignalLike): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
