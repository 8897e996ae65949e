// The runtime contract over onnxruntime-node: one queue in the caller's thread, one executor behind it.
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import {
  checkModelBytes,
  DroppedHandles,
  ExecutorRuntime,
  madeHere,
  optionsOf,
  ownBytes,
  UsageError,
} from '@forja/core';
import type { DeviceName, ExecutorSession, Held, Runtime, RuntimeEvent, Session, SessionOptions } from '@forja/core';
import { AdaptiveSession } from './adaptive.js';
import type { Executor, ExecutorName, ExecutorOptions, ExecutorSessionOptions, Recipe } from './executor/contract.js';
import { provisional } from './executor/ladder.js';
import { openExecutor } from './executor/open.js';
import { prepare } from './executor/prepare.js';

/** Options of {@link runtime}. */
export interface RuntimeOptions {
  /** Default `auto`: CUDA, Core ML or DirectML if available, else the CPU. */
  device?: DeviceName;
  /** Threads inside one op. Default: all cores that this process may use. */
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
  /** Called when the executor was replaced. Default: a process warning. */
  onEvent?: (event: RuntimeEvent) => void;
}

const DEVICES: readonly DeviceName[] = ['auto', 'cpu', 'cuda', 'webgpu', 'wasm', 'coreml', 'dml'];
const LOWERINGS: readonly NonNullable<SessionOptions['lowering']>[] = ['auto', 'portable'];
const EXECUTORS: readonly ExecutorName[] = ['worker', 'inline', 'process'];
/** The longest delay of a Node timer. */
const LONGEST_MS = 2 ** 31 - 1;

const dropped = new DroppedHandles((message) =>
  process.emitWarning(message, { type: 'ForjaWarning', code: 'forja.dropped' }),
);

/**
 * A runtime. Its worker starts with the first session, does not keep an idle process alive, and ends with `dispose`.
 */
export function runtime(options: RuntimeOptions = {}): Runtime {
  const made = new NodeRuntime(executorOptions(options), options.onEvent ?? warnOf);
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
  } = optionsOf('runtime', options);
  if (!DEVICES.includes(device))
    throw new UsageError(`runtime.device: expected one of ${DEVICES.join(', ')}, got '${String(device)}'`);
  if (!EXECUTORS.includes(executor))
    throw new UsageError(`runtime.executor: expected one of ${EXECUTORS.join(', ')}, got '${String(executor)}'`);
  checkThreads('runtime.threads', threads);
  if (!(timeoutMs >= 1))
    throw new UsageError(`runtime.timeoutMs: expected milliseconds from 1, or Infinity, got ${timeoutMs}`);
  return { device, threads, executor, timeoutMs: timeoutMs > LONGEST_MS ? Infinity : timeoutMs };
}

/** Default handler of events. */
export function warnOf({ reason }: RuntimeEvent): void {
  process.emitWarning(`the executor was replaced: ${reason}`, { type: 'ForjaWarning', code: 'device.lost' });
}

/** The runtime. */
export class NodeRuntime extends ExecutorRuntime<Recipe, Executor> implements Runtime {
  readonly #options: ExecutorOptions;

  /** `start` is replaced only in tests. */
  constructor(
    options: ExecutorOptions,
    onEvent: (event: RuntimeEvent) => void,
    start: typeof openExecutor = openExecutor,
  ) {
    const { device, threads, executor } = options;
    super({
      start: () => start(options),
      onEvent,
      dropped,
      device: { requested: device, ...provisional(device), threads, executor, placement: {}, cpuOps: [] },
    });
    this.#options = options;
  }

  /**
   * `open` of a session without state that runs as the file says, and large batches on the CPU by faster convolutions,
   * as soon as those are prepared.
   */
  async openAdaptive(
    model: Uint8Array,
    options: SessionOptions & Pick<ExecutorSessionOptions, 'precision'>,
    held: Omit<Held, 'free'> & { free?: () => Promise<void> },
  ): Promise<AdaptiveSession> {
    const kept = this.#kept(this.#checked(model, options));
    const owned = this.#owned(options);
    const { what, made } = held;
    return new AdaptiveSession({
      plain: await this.make({ model: kept, options: owned }, undefined, held),
      model: kept,
      prepare,
      open: (fast) => this.make({ model: this.#kept(fast), options: owned }, undefined, { what, made }),
    });
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    return this.open(model, options, { what: 'session', made: madeHere(this.createSession) });
  }

  /** `createSession` for a session that belongs to another handle, given by `held`. */
  async open(
    model: Uint8Array,
    options: SessionOptions & Pick<ExecutorSessionOptions, 'precision'>,
    held: Omit<Held, 'free'> & { free?: () => Promise<void> },
  ): Promise<ExecutorSession<Recipe>> {
    const bytes = this.#checked(model, options);
    return this.make({ model: this.#kept(bytes), options: this.#owned(options) }, options.state, held);
  }

  /** The bytes, where they and the options can be what they are meant for. */
  #checked(model: Uint8Array, options: SessionOptions): Uint8Array {
    this.alive();
    optionsOf('createSession', options);
    if (options.threads !== undefined) checkThreads('createSession.threads', options.threads);
    if (options.lowering !== undefined && !LOWERINGS.includes(options.lowering))
      throw new UsageError(
        `createSession.lowering: expected one of ${LOWERINGS.join(', ')}, got '${String(options.lowering)}'`,
      );
    const bytes = ownBytes('createSession', model);
    checkModelBytes(bytes);
    return bytes;
  }

  /** A copy kept to remake the session; in shared memory if the executor is a thread, so that it exists only once. */
  #kept(bytes: Uint8Array): Uint8Array {
    if (this.#options.executor !== 'worker') return new Uint8Array(bytes);
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
    copy.set(bytes);
    return copy;
  }

  /** All options but the state, with copies of the caller's data. */
  #owned(options: SessionOptions & Pick<ExecutorSessionOptions, 'precision'>): ExecutorSessionOptions {
    const { threads, strict, spinning, lowering, precision, external } = options;
    return {
      ...(threads === undefined ? {} : { threads }),
      ...(strict === undefined ? {} : { strict }),
      ...(spinning === undefined ? {} : { spinning }),
      ...(lowering === undefined ? {} : { lowering }),
      ...(precision === undefined ? {} : { precision }),
      ...(external === undefined
        ? {}
        : { external: new Map([...external].map(([path, bytes]) => [path, this.#kept(bytes)])) }),
    };
  }
}

function checkThreads(where: string, threads: number): void {
  if (!(Number.isInteger(threads) && threads >= 1))
    throw new UsageError(`${where}: expected an integer from 1, got ${threads}`);
}
