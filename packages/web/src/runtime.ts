// The runtime contract in a browser: onnxruntime-web inside our module worker. This is the page's side, without
// onnxruntime.
import { DroppedHandles, ExecutorRuntime, madeHere, oneOf, optionsOf, shown, UsageError } from '@forja/core/page';
import type {
  DeviceName,
  DeviceReport,
  ExecutorSession,
  Held,
  Manifest,
  Runtime,
  RuntimeEvent,
  Session,
  SessionOptions,
} from '@forja/core';
import { absolute } from './address.js';
import type { ExecutorName, ExecutorOptions, FetchOptions, WebExecutor } from './contract.js';
import { openExecutor } from './executor.js';
import { blobOf, postedOptions } from './post.js';
import type { OpenOptions } from './post.js';
import type { FetchArguments, Fetched, Recipe } from './protocol.js';

/** Options of {@link runtime}. */
export interface RuntimeOptions {
  /** `auto` (default): a hardware WebGPU adapter, else WASM. `webgpu` also accepts a software adapter. */
  device?: DeviceName;
  /**
   * WASM threads. Default min(4, cores) on a cross-origin isolated page, 1 elsewhere. Fixed for the life of the
   * runtime.
   */
  threads?: number;
  /** `worker` (default): a module worker. `inline`: in this thread, which each run blocks; WASM only, one thread. */
  executor?: ExecutorName;
  /**
   * Folder filled by `forja-web-assets`, of the same origin. Needed only if the bundler does not follow `new Worker(new
   * URL(...))`.
   */
  assets?: string | URL;
  /**
   * If a run or the creation of a session takes longer, the worker is considered hung: it is replaced and the job
   * retried once. Default 600,000; Infinity: never.
   */
  timeoutMs?: number;
  /** Called when the worker was replaced. Default: a console warning. */
  onEvent?: (event: RuntimeEvent) => void;
}

/** A {@link Runtime} with `ready()`. */
export interface WebRuntime extends Runtime {
  /** Starts the worker and finds the device, without a model. Rejects with `device.unavailable`. */
  ready(): Promise<DeviceReport>;
}

/** Names of {@link RuntimeOptions}. */
export const RUNTIME_OPTIONS = 'assets device executor onEvent threads timeoutMs';

const EXECUTORS: readonly ExecutorName[] = ['worker', 'inline'];
/** The longest delay of a timer. */
const LONGEST_MS = 2 ** 31 - 1;

/** Prints a console warning. */
export function warn(message: string): void {
  // eslint-disable-next-line no-console -- there is no other channel
  console.warn(`@forja/web: ${message}`);
}

const dropped = new DroppedHandles(warn);

/**
 * A runtime with its own worker, which is started on first use. `device` is provisional until `ready()` or a session
 * resolves.
 */
export function runtime(options: RuntimeOptions = {}): WebRuntime {
  const made = new WorkerRuntime(
    executorOptions(optionsOf('runtime', options, RUNTIME_OPTIONS)),
    options.onEvent ?? warnOf,
  );
  made.watch(madeHere(runtime));
  return made;
}

/** The options, checked and with defaults. */
export function executorOptions({
  device = 'auto',
  threads,
  executor = 'worker',
  assets,
  timeoutMs = 600_000,
}: RuntimeOptions): ExecutorOptions {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new UsageError(`runtime.threads: expected an integer from 1, got ${shown(threads)}`);
  oneOf('runtime.executor', executor, EXECUTORS);
  if (!(typeof timeoutMs === 'number' && timeoutMs >= 1))
    throw new UsageError(`runtime.timeoutMs: expected milliseconds from 1, or Infinity, got ${shown(timeoutMs)}`);
  const folder =
    assets === undefined
      ? undefined
      : absolute('runtime.assets', 'the address of a folder', String(assets).replace(/\/?$/, '/'));
  return { device, threads, executor, assets: folder, timeoutMs: timeoutMs > LONGEST_MS ? Infinity : timeoutMs };
}

/** Default handler of events. */
export function warnOf({ reason }: RuntimeEvent): void {
  warn(`the executor was replaced: ${reason}`);
}

/** A {@link WebRuntime} whose executor is in a worker or in this thread. */
export class WorkerRuntime extends ExecutorRuntime<Recipe, WebExecutor> implements WebRuntime {
  constructor(options: ExecutorOptions, onEvent: (event: RuntimeEvent) => void) {
    const { device, executor } = options;
    const provisional: DeviceReport = {
      requested: device,
      actual: device === 'auto' ? 'wasm' : device,
      reasons: ['not started yet'],
      threads: 1,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      executor,
      placement: {},
      cpuOps: [],
    };
    super({ start: () => openExecutor(options), onEvent, dropped, device: provisional });
  }

  async ready(): Promise<DeviceReport> {
    this.alive();
    this.found(await this.supervisor.perform(async ({ device }) => device));
    return this.device;
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    optionsOf('createSession', options);
    const external = new Map([...(options.external ?? [])].map(([location, bytes]) => [location, blobOf(bytes)]));
    return this.open({ model: blobOf(model), external }, options, {
      what: 'session',
      made: madeHere(this.createSession),
    });
  }

  /** Like `createSession`, for a session that belongs to the handle `held`, such as a generator. */
  async open(
    { model, external }: Required<Pick<Recipe, 'model' | 'external'>>,
    options: OpenOptions,
    held: Omit<Held, 'free'> & { free?: () => Promise<void> },
  ): Promise<ExecutorSession<Recipe>> {
    oneOf('lowering', options.lowering, ['auto', 'portable']);
    oneOf('load.precision', options.precision, ['auto', 'fp32', 'fp16']);
    return this.make({ model, options: postedOptions(options), external }, options.state, held);
  }

  /** Fetches and checks a model, concurrently with other calls. */
  async fetch(args: FetchArguments, { signal, onProgress }: FetchOptions): Promise<Fetched> {
    this.alive();
    // If the worker is lost, another one fetches again; its progress is reported only once it exceeds that of the
    // first.
    let most = -1;
    const further: FetchOptions['onProgress'] = (progress) => {
      if (progress.loaded <= most) return;
      most = progress.loaded;
      onProgress?.(progress);
    };
    return this.supervisor.perform((executor) => executor.fetch(args, { signal, onProgress: further }), signal);
  }

  /** The manifest of a session's model: the caller's fields, else the file's own manifest, else a guess. */
  identify(session: Session, own: Manifest | undefined, given: Partial<Manifest> | undefined): Promise<Manifest> {
    return this.supervisor.perform((executor) =>
      executor.call('identify', { given, own, inputs: session.inputs, outputs: session.outputs }),
    );
  }
}
