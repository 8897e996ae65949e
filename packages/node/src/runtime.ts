// Implements the runtime contract with onnxruntime-node: one queue in the caller's thread, one executor behind it.
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import {
  checkModelBytes,
  classOf,
  DEVICE_NAMES,
  DroppedHandles,
  ExecutorRuntime,
  ForjaError,
  madeHere,
  oneOf,
  optionsOf,
  ownBytes,
  safeListener,
  shown,
  UsageError,
} from '@forja/core';
import type { DeviceName, ExecutorSession, Held, Runtime, RuntimeEvent, Session, SessionOptions } from '@forja/core';
import { AdaptiveSession } from './adaptive.js';
import type { Executor, ExecutorName, ExecutorOptions, ExecutorSessionOptions, Recipe } from './executor/contract.js';
import { provisional } from './executor/ladder.js';
import { openExecutor } from './executor/open.js';
import { prepare } from './executor/prepare.js';
import { mostThreads } from './threads.js';

/** Options of {@link runtime}. */
export interface RuntimeOptions {
  /** Default `auto`: CUDA, Core ML or DirectML if available, else the CPU. */
  device?: DeviceName;
  /**
   * Threads inside one op. Default: all cores that this process may use. Maximum: 64 or four times the number of these
   * cores, whichever is greater.
   */
  threads?: number;
  /**
   * `worker` (default): a worker thread. `inline`: this thread, which each run blocks. `process`: a child process, for
   * models that may crash or hang; the default inside a worker thread of the caller, because terminating that thread
   * during a run in one of the other executors would abort the process.
   */
  executor?: ExecutorName;
  /**
   * If a run or the creation of a session takes longer, the executor is considered hung: it is replaced and the job
   * retried once. Default 600,000; Infinity: never.
   */
  timeoutMs?: number;
  /**
   * Called when the executor was replaced. Default: a process warning. If the listener fails, that is a process warning
   * too.
   */
  onEvent?: (event: RuntimeEvent) => unknown;
}

/** Names of {@link RuntimeOptions}. */
export const RUNTIME_OPTIONS = 'device executor onEvent threads timeoutMs';

const LOWERINGS: readonly NonNullable<SessionOptions['lowering']>[] = ['auto', 'portable'];
const EXECUTORS: readonly ExecutorName[] = ['worker', 'inline', 'process'];
/** The longest delay of a Node timer. */
const LONGEST_MS = 2 ** 31 - 1;

const dropped = new DroppedHandles((message) =>
  process.emitWarning(message, { type: 'ForjaWarning', code: 'forja.dropped' }),
);

type Listener = NonNullable<RuntimeOptions['onEvent']>;

/**
 * For each given listener, a version that never throws. Cached, because a shared runtime calls equal listeners only
 * once.
 */
const safeListeners = new WeakMap<Listener, (event: RuntimeEvent) => void>();

/** A version of the listener whose failures become process warnings. */
export function warningListener(listener: Listener): (event: RuntimeEvent) => void {
  const own = safeListeners.get(listener) ?? safeListener(listener, warnOfListener);
  safeListeners.set(listener, own);
  return own;
}

/** Warns of a listener that failed. */
export function warnOfListener(message: string): void {
  process.emitWarning(message, { type: 'ForjaWarning', code: 'forja.listener' });
}

/**
 * A runtime. Its worker starts with the first session, does not keep an idle process alive, and ends with `dispose`.
 */
export function runtime(options: RuntimeOptions = {}): Runtime {
  optionsOf('runtime', options, RUNTIME_OPTIONS);
  const made = new NodeRuntime(executorOptions(options), warningListener(options.onEvent ?? warnOf));
  made.watch(madeHere(runtime));
  return made;
}

/** The options, checked and with defaults. */
export function executorOptions(options: RuntimeOptions): ExecutorOptions {
  const {
    device = 'auto',
    executor = isMainThread ? 'worker' : 'process',
    threads = availableParallelism(),
    timeoutMs = 600_000,
  } = options;
  oneOf('runtime.device', device, DEVICE_NAMES);
  oneOf('runtime.executor', executor, EXECUTORS);
  checkThreads('runtime.threads', threads);
  if (!(typeof timeoutMs === 'number' && timeoutMs >= 1))
    throw new UsageError(`runtime.timeoutMs: expected milliseconds from 1, or Infinity, got ${shown(timeoutMs)}`);
  return { device, threads, executor, timeoutMs: timeoutMs > LONGEST_MS ? Infinity : timeoutMs };
}

/** Default handler of events. */
export function warnOf({ reason }: RuntimeEvent): void {
  process.emitWarning(`the executor was replaced: ${reason}`, { type: 'ForjaWarning', code: 'device.lost' });
}

/** The runtime. */
export class NodeRuntime extends ExecutorRuntime<Recipe, Executor> implements Runtime {
  readonly #early: EarlyStart;

  /** `start` is replaced only in tests. */
  constructor(
    options: ExecutorOptions,
    onEvent: (event: RuntimeEvent) => void,
    start: typeof openExecutor = openExecutor,
  ) {
    const { device, threads, executor } = options;
    const early = new EarlyStart(() => start(options));
    super({
      start: () => early.take(),
      onEvent,
      dropped,
      device: { requested: device, ...provisional(device), threads, executor, placement: {}, cpuOps: [] },
    });
    this.#early = early;
  }

  /** Starts its executor early, before the first session needs it. */
  begin(): void {
    this.#early.begin();
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    this.alive();
    const { external } = optionsOf('createSession', options, 'external lowering spinning state strict threads');
    const bytes = ownBytes('createSession', model);
    if (external !== undefined && classOf(external) !== 'Map')
      throw new UsageError(`createSession.external: expected a Map of files by location, got ${shown(external)}`);
    // Copies: the caller may reuse its arrays at once.
    const files =
      external &&
      new Map([...external].map(([path, file]) => [path, new Uint8Array(ownBytes('createSession.external', file))]));
    return this.open(
      new Uint8Array(bytes),
      { ...options, ...(files ? { external: files } : {}) },
      { what: 'session', made: madeHere(this.createSession) },
    );
  }

  /**
   * Like `createSession`, for a session that belongs to the handle `held`, such as a generator. The runtime keeps the
   * bytes, to recreate the session.
   */
  async open(model: Uint8Array, options: OpenOptions, held: Handle): Promise<ExecutorSession<Recipe>> {
    return this.make(this.#recipe(model, options), options.state, held);
  }

  /**
   * Like `open`, for a session without state that runs large batches on the CPU with faster convolutions, once those
   * are prepared.
   */
  async openAdaptive(model: Uint8Array, options: OpenOptions, held: Handle): Promise<AdaptiveSession> {
    const recipe = this.#recipe(model, options);
    const { what, made } = held;
    return new AdaptiveSession({
      plain: await this.make(recipe, undefined, held),
      model,
      prepare,
      open: (fast) => this.make({ ...recipe, model: fast }, undefined, { what, made }),
    });
  }

  override dispose(): Promise<void> {
    return super.dispose().then(() => this.#early.close());
  }

  /** Checks the model and all options except the state, and returns them as a recipe. */
  #recipe(model: Uint8Array, options: OpenOptions): Recipe {
    this.alive();
    const { threads, strict, spinning, lowering, precision, external } = options;
    if (threads !== undefined) checkThreads('createSession.threads', threads);
    if (lowering !== undefined && !LOWERINGS.includes(lowering))
      throw new UsageError(`createSession.lowering: expected one of ${LOWERINGS.join(', ')}, got ${shown(lowering)}`);
    checkModelBytes(model);
    return {
      model,
      options: {
        ...(threads === undefined ? {} : { threads }),
        ...(strict === undefined ? {} : { strict }),
        ...(spinning === undefined ? {} : { spinning }),
        ...(lowering === undefined ? {} : { lowering }),
        ...(precision === undefined ? {} : { precision }),
        ...(external === undefined ? {} : { external }),
      },
    };
  }
}

type OpenOptions = SessionOptions & Pick<ExecutorSessionOptions, 'precision'>;
type Handle = Omit<Held, 'free'> & { free?: () => Promise<void> };

/** The first executor, which can be started before it is needed. */
class EarlyStart {
  readonly #start: () => Promise<Executor>;
  #executor: Promise<Executor> | undefined;
  #begun = false;

  constructor(start: () => Promise<Executor>) {
    this.#start = start;
  }

  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#executor = this.#start();
    this.#executor.catch(() => undefined); // rethrown when the executor is taken
  }

  take(): Promise<Executor> {
    const executor = this.#executor ?? this.#start();
    this.#begun = true;
    this.#executor = undefined;
    return executor;
  }

  /** Ends an unused executor, without waiting for it. */
  async close(): Promise<void> {
    const executor = await this.#executor?.catch(() => undefined);
    this.#executor = undefined;
    executor?.kill(new ForjaError('disposed', 'runtime: it has been disposed'));
  }
}

function checkThreads(where: string, threads: number): void {
  const most = mostThreads();
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= most))
    throw new UsageError(`${where}: expected an integer from 1 to ${most}, got ${shown(threads)}`);
}
