// The runtime contract over onnxruntime-node: one queue in the caller's thread, one executor behind it.
import { availableParallelism } from 'node:os';
import { checkFeeds, checkModelBytes, ForjaError, UsageError } from '@forja/core';
import type { DeviceName, DeviceReport, NamedTensors, RunOptions, Runtime, Session, SessionOptions, TensorSpec } from '@forja/core';
import type { Executor, ExecutorName, ExecutorOptions, ExecutorSessionOptions, SessionRecord } from './executor/contract.js';
import { provisional } from './executor/ladder.js';
import { openExecutor } from './executor/open.js';
import { copiesOf, copyOf } from './executor/tensors.js';
import { Fifo } from './fifo.js';

/** Options of {@link runtime}. */
export interface RuntimeOptions {
  /** Default `auto`: CUDA, Core ML or DirectML where the platform and its libraries have it, else the CPU. */
  device?: DeviceName;
  /** Threads inside one op. Default: all cores that this process may use. */
  threads?: number;
  /** `worker` (default): a thread of its own. `inline`: in this thread, which each run blocks. `process`: a child process, for models that may crash. */
  executor?: ExecutorName;
}

const DEVICES: readonly DeviceName[] = ['auto', 'cpu', 'cuda', 'webgpu', 'wasm', 'coreml', 'dml'];
const EXECUTORS: readonly ExecutorName[] = ['worker', 'inline', 'process'];

/** A runtime. Its worker starts with the first session, does not keep an idle process alive, and ends with `dispose`. */
export function runtime(options: RuntimeOptions = {}): Runtime {
  return new NodeRuntime(options);
}

class NodeRuntime implements Runtime {
  readonly #options: ExecutorOptions;
  readonly #queue = new Fifo();
  readonly #sessions = new Set<NodeSession>();
  #device: DeviceReport;
  #executor: Promise<Executor> | undefined;
  #disposal: Promise<void> | undefined;

  constructor(options: RuntimeOptions) {
    const { device = 'auto', executor = 'worker', threads = availableParallelism() } = options;
    if (!DEVICES.includes(device)) throw new UsageError(`runtime.device: expected one of ${DEVICES.join(', ')}, got '${String(device)}'`);
    if (!EXECUTORS.includes(executor)) throw new UsageError(`runtime.executor: expected one of ${EXECUTORS.join(', ')}, got '${String(executor)}'`);
    checkThreads('runtime.threads', threads);
    this.#options = { device, threads, executor };
    this.#device = { requested: device, ...provisional(device), threads, executor, placement: {}, cpuOps: [] };
  }

  /** Of the last session made; before the first, what would be tried first. */
  get device(): DeviceReport {
    return this.#device;
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    if (this.#disposal) throw new ForjaError('disposed', 'runtime: it has been disposed');
    if (options.threads !== undefined) checkThreads('createSession.threads', options.threads);
    checkModelBytes(model);
    // Not slice(): of a Buffer it is a view, and the transfer would take the caller's memory.
    const args = { model: new Uint8Array(model), options: owned(options) };
    return this.#queue.add(async () => {
      const executor = await this.#open();
      const record = await executor.call('create', args);
      this.#device = record.device;
      const session = new NodeSession(executor, this.#queue, record, args.options, () => this.#sessions.delete(session));
      this.#sessions.add(session);
      return session;
    });
  }

  dispose(): Promise<void> {
    this.#disposal ??= (async () => {
      for (const session of this.#sessions) session.close();
      // Behind every run already queued.
      await this.#queue.add(async () => {
        const executor = await this.#executor?.catch(() => undefined);
        if (executor && !executor.dead) await executor.call('close', {});
      });
      this.#sessions.clear();
    })();
    return this.#disposal;
  }

  // An executor that died (a crashed child process) is replaced by the next session; sessions of the old one stay lost.
  async #open(): Promise<Executor> {
    const current = await this.#executor?.catch(() => undefined);
    if (current && !current.dead) return current;
    this.#executor = openExecutor(this.#options);
    return this.#executor;
  }
}

class NodeSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly device: DeviceReport;
  readonly #executor: Executor;
  readonly #queue: Fifo;
  readonly #id: number;
  readonly #state: ReadonlySet<string>;
  readonly #plain: readonly string[];
  readonly #forget: () => void;
  #disposal: Promise<void> | undefined;

  constructor(executor: Executor, queue: Fifo, record: SessionRecord, options: ExecutorSessionOptions, forget: () => void) {
    const bindings = options.state ?? {};
    const stateOutputs = new Set(Object.values(bindings).map(({ output }) => output));
    this.#executor = executor;
    this.#queue = queue;
    this.#id = record.session;
    this.inputs = record.inputs;
    this.outputs = record.outputs;
    this.device = record.device;
    this.#state = new Set(Object.keys(bindings));
    this.#plain = record.outputs.map(({ name }) => name ?? '').filter((name) => !stateOutputs.has(name));
    this.#forget = forget;
  }

  async run(feeds: NamedTensors, options: RunOptions = {}): Promise<NamedTensors> {
    this.#alive();
    checkFeeds(this.inputs, feeds, this.#state);
    const names = this.outputs.map(({ name }) => name ?? '');
    for (const name of options.outputs ?? []) {
      if (!names.includes(name)) throw new UsageError(`run.outputs: expected names among ${names.join(', ')}, got '${name}'`);
    }
    const outputs = [...(options.outputs ?? this.#plain)];
    // Copied now: the caller may reuse its arrays at once, and a transfer must not detach them.
    const args = { session: this.#id, feeds: copiesOf(feeds), outputs };
    return this.#queue.add(() => this.#executor.call('run', args), options.signal);
  }

  async readState(names?: string[]): Promise<NamedTensors> {
    this.#alive();
    return this.#queue.add(() => this.#executor.call('readState', { session: this.#id, names }));
  }

  async writeState(values: NamedTensors): Promise<void> {
    this.#alive();
    const args = { session: this.#id, values: copiesOf(values) };
    await this.#queue.add(() => this.#executor.call('writeState', args));
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#queue
      .add(async () => {
        if (!this.#executor.dead) await this.#executor.call('release', { session: this.#id });
      })
      .finally(this.#forget);
    return this.#disposal;
  }

  /** Marks the session as gone with its runtime, which frees it. */
  close(): void {
    this.#disposal ??= Promise.resolve();
  }

  #alive(): void {
    if (this.#disposal) throw new ForjaError('disposed', 'session: it has been disposed');
  }
}

function owned(options: SessionOptions): ExecutorSessionOptions {
  const { threads, strict, spinning, external, state } = options;
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(strict === undefined ? {} : { strict }),
    ...(spinning === undefined ? {} : { spinning }),
    ...(external === undefined ? {} : { external: new Map([...external].map(([path, bytes]) => [path, new Uint8Array(bytes)])) }),
    ...(state === undefined ? {} : { state: Object.fromEntries(Object.entries(state).map(([input, { output, initial }]) => [input, { output, initial: copyOf(initial) }])) }),
  };
}

function checkThreads(where: string, threads: number): void {
  if (!(Number.isInteger(threads) && threads >= 1)) throw new UsageError(`${where}: expected an integer from 1, got ${threads}`);
}
