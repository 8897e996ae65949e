// `load`: from a URL, Blob or bytes to a Generator. The worker fetches, checks and keeps the bytes.
import {
  abortError,
  classOf,
  Generator,
  isBytes,
  kindOf,
  optionsOf,
  madeHere,
  SharedRuntimes,
  UsageError,
} from '@forja/core/page';
import type { AbortSignalLike, BatchOptions, Expectations, Lease, Manifest, Precision } from '@forja/core';
import { absolute } from './address.js';
import { blobOf } from './post.js';
import type { LoadProgress, PostedSource } from './protocol.js';
import { executorOptions, warn, warnOf, WorkerRuntime } from './runtime.js';
import type { RuntimeOptions } from './runtime.js';

/** Options of {@link load}, beside those of the runtime. */
export interface LoadOptions extends RuntimeOptions {
  /** Fail when any node would run elsewhere than on the device. */
  strict?: boolean;
  /** Micro-batching: pictures a run, milliseconds to wait for more, requests at once. */
  batch?: BatchOptions;
  /** Run once before resolving, at batch 1 (`true`) or at these batch sizes. Default false. */
  warmup?: boolean | readonly number[];
  /**
   * `auto`: on WASM, convolutions are computed by the algorithm that is priced lowest: pictures change by less than
   * 1e-5 of their range, `device.convolutions` names them, loading takes longer. Default `portable`: as the file says.
   */
  lowering?: 'auto' | 'portable';
  /**
   * `auto` (default): as the file is. `fp16`: a float32 file is converted where WebGPU runs on an adapter with
   * `shader-f16`, and a check on one input passes; elsewhere it stays as it is, and `device.reasons` says why. `fp32`:
   * a file in half precision stays as it is, with a reason too. With `strict`, what stays is refused.
   */
  precision?: Precision;
  /** What the file must be, else `load` refuses it. */
  expect?: Expectations;
  /** Over what the file says of itself; for a model without a manifest, what it is. */
  manifest?: Partial<Manifest>;
  /**
   * What to do when the bytes do not match the manifest's SHA-256. Default `error`; `warn` is a warning on the console.
   */
  integrity?: 'error' | 'warn' | 'off';
  signal?: AbortSignalLike;
  /** Bytes as they come. Never falls, never exceeds its `total`. */
  onProgress?: (progress: LoadProgress) => void;
  /**
   * Name of a store in the browser's Cache Storage that keeps downloaded models; they are asked for again with their
   * ETag, and used without the network. Default: none are kept.
   */
  cache?: string;
}

const shared = new SharedRuntimes<WorkerRuntime>();

/**
 * Loads a generator. `source`: a URL (relative ones are relative to the page), a Blob or File, or the bytes. External
 * data is fetched from the folder of a URL and nowhere else. Rejects with `model.notFound`, `model.format`,
 * `model.truncated`, `model.integrity`, `model.unsupported`, `device.unavailable`, `io`, `usage` or `aborted`.
 * Generators with the same device, threads, executor, assets and timeout share a worker; `dispose()` of the last one
 * ends it, which is what gives WebAssembly memory back.
 */
export async function load(source: string | URL | Uint8Array | Blob, options: LoadOptions = {}): Promise<Generator> {
  const made = madeHere(load);
  optionsOf('load', options);
  const { signal, onEvent = warnOf, cache } = options;
  if (signal?.aborted) throw abortError(signal.reason);
  if (cache !== undefined && (typeof cache !== 'string' || cache === ''))
    throw new UsageError(
      `load.cache: expected the name of a store, got ${cache === '' ? 'an empty one' : typeof cache}`,
    );
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
    // After an abort the worker may be busy with what cannot be interrupted: whoever aborted does not wait for that.
    const over = loading
      .then(
        (generator) => generator.dispose(),
        () => share.release(),
      )
      .catch(() => undefined); // what went wrong first is told
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
    lowering,
    warmup = false,
    onProgress,
    cache,
  } = options;
  const fetched = await runtime.fetch({ source, integrity, expect, cache }, { signal, onProgress });
  fetched.warnings.forEach(warn);
  if (signal?.aborted) throw abortError(signal.reason);
  const session = await runtime.open(
    fetched,
    {
      precision,
      ...(strict === undefined ? {} : { strict }),
      ...(lowering === undefined ? {} : { lowering }),
    },
    { what: 'generator', made, free: release },
  ); // not a closure here: it would keep `session`
  try {
    const manifest = await runtime.identify(session, fetched.manifest, given);
    const generator = new Generator({
      session,
      manifest,
      modelBytes: [...fetched.external.values()].reduce((sum, { size }) => sum + size, fetched.model.size),
      ...(batch === undefined ? {} : { batch }),
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
  // Resolved here: inside the worker a relative address would mean the worker's folder.
  const kind = classOf(source); // not by instanceof: a frame's classes are others
  if (kind === 'String' || kind === 'URL') return { url: absolute('load', 'a URL', String(source)) };
  if (kind === 'File') return { blob: source as File, name: (source as File).name }; // as its class says, here and below
  if (kind === 'Blob') return { blob: source as Blob, name: 'the Blob given' };
  if (isBytes(source)) return { blob: blobOf(source), name: 'the bytes given' };
  throw new UsageError(`load: expected a URL, a Blob or a Uint8Array, got ${kindOf(source)}`);
}

/** Rejects at once when `signal` aborts; what was begun is freed by the caller. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignalLike): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
