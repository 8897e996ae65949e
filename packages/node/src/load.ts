// `load`: from a path, address, Blob or bytes to a Generator that runs in a worker.
import {
  abortError,
  checkExpected,
  checkIntegrity,
  Generator,
  LARGE,
  madeHere,
  manifestFor,
  ModelFormatError,
  oneOf,
  optionsOf,
  readManifest,
  SharedRuntimes,
  shown,
  UsageError,
} from '@forja/core';
import type { AbortSignalLike, BatchOptions, Expectations, Lease, Manifest, Precision } from '@forja/core';
import { AdaptiveSession } from './adaptive.js';
import type { LoadProgress, ReadModel } from './files/contract.js';
import { sha256 } from './files/hash.js';
import { readModel } from './files/read.js';
import { executorOptions, NodeRuntime, RUNTIME_OPTIONS, warningListener, warnOf } from './runtime.js';
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
   * `auto` (default): on the CPU, runs of 8 or more rows compute convolutions by the algorithm with the lowest
   * estimated cost. The first such run starts the preparation in the background; once it is done, `device.convolutions`
   * names the algorithms. Pictures from small and from large runs differ by less than 1e-5 of their range of values.
   * `portable`: all runs compute the file's own convolutions.
   */
  lowering?: 'auto' | 'portable';
  /**
   * Use one form of the model for every run: a picture has the same bits in any batch, at any time. With `lowering:
   * 'auto'`, convolutions are replaced at load, which takes longer, and single pictures may be slower. Default false.
   */
  deterministic?: boolean;
  /**
   * `auto` (default): that of the file. `fp16`: a float32 file is converted if the device computes in half precision
   * and a check on one input passes; else it is unchanged, and `device.reasons` says why. `fp32`: a file in half
   * precision is not converted; `device.reasons` says so. With `strict`, another precision than requested is an error.
   */
  precision?: Precision;
  /** Properties that the file must have, else `load` refuses it. */
  expect?: Expectations;
  /** Overrides fields of the file's manifest, or describes a model that has no manifest. */
  manifest?: Partial<Manifest>;
  /** What to do when the bytes do not match the manifest's SHA-256. Default `error`; `warn` emits a process warning. */
  integrity?: 'error' | 'warn' | 'off';
  signal?: AbortSignalLike;
  onProgress?: (progress: LoadProgress) => unknown;
  /** Folder that caches downloaded models, which are revalidated with their ETag. Default: no cache. */
  cache?: string;
}

const OWN = 'batch cache deterministic expect integrity lowering manifest precision strict warmup';

/** Names of the options of {@link load} that also apply when a model is reloaded. */
export const LASTING_OPTIONS: `${typeof RUNTIME_OPTIONS} ${typeof OWN}` = `${RUNTIME_OPTIONS} ${OWN}`;

const LOAD_OPTIONS = `${LASTING_OPTIONS} onProgress signal` as const;

const shared = new SharedRuntimes<NodeRuntime>();

/**
 * Loads a generator. `source`: a path, a `file:` or `http(s):` address, the bytes, or a Blob. External data is read
 * only from the model's folder. Rejects with `model.notFound`, `model.format`, `model.truncated`, `model.integrity`,
 * `model.unsupported`, `device.unavailable`, `io`, `usage` or `aborted`. Generators with the same device, threads,
 * executor and timeout share a worker; `dispose()` of the last one ends it.
 */
export async function load(source: string | URL | Uint8Array | Blob, options: LoadOptions = {}): Promise<Generator> {
  const made = madeHere(load);
  optionsOf('load', options, LOAD_OPTIONS);
  const { signal, integrity = 'error', precision = 'auto', onEvent = warnOf } = options;
  oneOf('load.integrity', integrity, ['error', 'warn', 'off']);
  oneOf('load.precision', precision, ['auto', 'fp32', 'fp16']);
  oneOf('load.lowering', options.lowering ?? 'auto', ['auto', 'portable']);
  const { warmup = false } = options;
  if (typeof warmup !== 'boolean' && !Array.isArray(warmup))
    throw new UsageError(`load.warmup: expected true, false or a list of batch sizes, got ${shown(warmup)}`);
  const { cache } = options;
  if (cache !== undefined && (typeof cache !== 'string' || cache === ''))
    throw new UsageError(`load.cache: expected the path of a folder, got ${shown(cache)}`);
  const executor = executorOptions(options);
  if (signal?.aborted) throw abortError(signal.reason);
  const key = JSON.stringify([executor.device, executor.threads, executor.executor, String(executor.timeoutMs)]);
  const share = shared.lease(key, (tell) => new NodeRuntime(executor, tell), warningListener(onEvent));
  share.runtime.begin(); // starts while the file is read
  const loading = loadWith(share, source, options, made);
  try {
    return await unlessAborted(loading, signal);
  } catch (error) {
    // After an abort, loading continues in native code, which cannot be interrupted; the caller does not wait for it.
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
  { runtime, release }: Lease<NodeRuntime>,
  source: string | URL | Uint8Array | Blob,
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
    warmup = false,
    lowering = 'auto',
    deterministic = false,
    onProgress,
    cache,
  } = options;
  const begun = performance.now();
  const model = await readModel(source, { signal, onProgress, cache });
  const said = readManifest(model.bytes);
  if (said && integrity !== 'off') await checkBytes(model, said, integrity);
  const { bytes, external } = model;
  checkExpected(model.where, bytes, expect);
  if (signal?.aborted) throw abortError(signal.reason);
  const read = performance.now() - begun;
  const own = {
    precision,
    ...(strict === undefined ? {} : { strict }),
    ...(external.size > 0 ? { external } : {}),
  };
  // `free` is not a closure created here: closures of one scope share their variables, so it would keep `session`
  // alive.
  const held = { what: 'generator', made, free: release };
  const session = await (lowering === 'auto' && !deterministic
    ? runtime.openAdaptive(bytes, own, held)
    : runtime.open(bytes, { ...own, lowering }, held));
  try {
    const manifest = manifestFor(given, said, session.inputs, session.outputs);
    const generator = new Generator({
      session,
      manifest,
      modelBytes: sizeOf(model),
      startMs: { read, session: performance.now() - begun - read },
      ...(batch === undefined ? {} : { batch }),
      dispose: () => session.dispose().finally(release),
    });
    const sizes = warmup === true ? [1] : warmup || [];
    if (session instanceof AdaptiveSession && sizes.some((size) => size >= LARGE)) await session.prepare();
    await generator.warmup(sizes);
    return generator;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

async function checkBytes(
  { where, bytes, external }: ReadModel,
  manifest: Manifest,
  how: 'error' | 'warn',
): Promise<void> {
  try {
    await checkIntegrity(bytes, manifest, sha256, external);
  } catch (error) {
    if (!(error instanceof ModelFormatError) || error.code !== 'model.integrity') throw error;
    const message = `${where}: ${error.message.replace(/^model: /, '')}`;
    if (how === 'error') throw new ModelFormatError('model.integrity', message, { cause: error });
    process.emitWarning(message, { type: 'ForjaWarning', code: 'model.integrity' });
  }
}

function sizeOf({ bytes, external }: ReadModel): number {
  return [...external.values()].reduce((sum, file) => sum + file.length, bytes.length);
}

/** Rejects immediately when `signal` aborts; the caller frees what was started. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
