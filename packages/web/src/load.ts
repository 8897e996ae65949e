// `load`: from a URL, Blob or bytes to a Generator, in one worker of its own. The worker fetches, checks and keeps the bytes.
import { abortError, Generator, UsageError } from '@forja/core';
import type { AbortSignalLike, BatchOptions, DeviceName, Manifest } from '@forja/core';
import { postableBytes } from './post.js';
import type { LoadProgress, PostedSource } from './protocol.js';
import { WorkerRuntime } from './runtime.js';

/** Options of {@link load}. */
export interface LoadOptions {
  /** `auto` (default): a hardware WebGPU adapter, else WASM. `webgpu` also takes a software adapter. */
  device?: DeviceName;
  /** Fail when any node would run elsewhere than on the device. */
  strict?: boolean;
  /** WASM threads. Default min(4, cores) on a cross-origin isolated page, 1 elsewhere. */
  threads?: number;
  /** Micro-batching: pictures a run, milliseconds to wait for more, requests at once. */
  batch?: BatchOptions;
  /** Run once before resolving, at batch 1 (`true`) or at these batch sizes. Default false. */
  warmup?: boolean | readonly number[];
  /** What the file's weights must be; they are not converted. Default `auto`, as they are. */
  precision?: 'auto' | 'fp32' | 'fp16';
  /** Over what the file says of itself; for a model without a manifest, what it is. */
  manifest?: Partial<Manifest>;
  /** What to do when the bytes do not match the manifest's SHA-256. Default `error`. */
  integrity?: 'error' | 'warn' | 'off';
  /** Folder filled by `forja-web-assets`, same origin. Only where the bundler does not follow `new Worker(new URL(...))`. */
  assets?: string | URL;
  signal?: AbortSignalLike;
  /** Download progress. */
  onProgress?: (progress: LoadProgress) => void;
}

/**
 * Loads a generator. `source`: a URL (relative ones are relative to the page), a Blob or File, or the bytes.
 * Rejects with `model.notFound`, `model.format`, `model.truncated`, `model.integrity`, `device.unavailable`, `io` or `aborted`.
 * `dispose()` of the generator ends its worker, which is what gives WebAssembly memory back.
 */
export async function load(source: string | URL | Uint8Array | Blob, options: LoadOptions = {}): Promise<Generator> {
  const { signal, integrity = 'error', precision = 'auto', manifest: given, onProgress, batch } = options;
  if (signal?.aborted) throw abortError(signal.reason);
  const from = postedSource(source);
  const runtime = new WorkerRuntime(options);
  try {
    const caller = await runtime.caller();
    const { held, bytes, warnings } = await caller.call('fetch', { source: from, integrity, precision }, { signal, onProgress });
    // eslint-disable-next-line no-console -- `integrity: 'warn'` asks for exactly this
    for (const warning of warnings) console.warn(`@forja/web: ${warning}`);
    const session = await runtime.createFrom({ held }, options.strict === undefined ? {} : { strict: options.strict }, signal);
    const manifest = await runtime.identify(session, given);
    const generator = new Generator({ session, manifest, modelBytes: bytes, ...(batch === undefined ? {} : { batch }), dispose: () => runtime.dispose() });
    await warm(generator, options.warmup);
    return generator;
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

async function warm(generator: Generator, warmup: LoadOptions['warmup']): Promise<void> {
  if (generator.manifest.kind !== 'latent') return;
  for (const count of warmup === true ? [1] : warmup || []) await generator.sample({ count, seed: 0 });
}

function postedSource(source: unknown): PostedSource {
  // Resolved here: inside the worker a relative address would mean the worker's folder.
  if (typeof source === 'string' || source instanceof URL) return { url: absolute(source) };
  if (source instanceof Blob) return { blob: source };
  if (source instanceof Uint8Array) return { bytes: postableBytes(source) };
  throw new UsageError(`load: expected a URL, a Blob or a Uint8Array, got ${source === null ? 'null' : typeof source}`);
}

function absolute(url: string | URL): string {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location.href).href;
  } catch (cause) {
    throw new UsageError(`load: expected a URL, got '${String(url)}'`, { cause });
  }
}
