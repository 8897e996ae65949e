// The runtime contract in a browser: onnxruntime-web inside a module worker of ours. This is the page's side and carries no onnxruntime.
import { checkFeeds, DeviceError, ForjaError, UsageError } from '@forja/core';
import type { AbortSignalLike, DeviceName, DeviceReport, Manifest, NamedTensors, RunOptions, Runtime, Session, SessionOptions, TensorSpec } from '@forja/core';
import { Caller } from './call.js';
import { ownedOptions, postableAll, postableOptions } from './post.js';
import type { PostedModel, SessionRecord } from './protocol.js';

/** Options of {@link runtime}. */
export interface RuntimeOptions {
  /** `auto` (default): a hardware WebGPU adapter, else WASM. `webgpu` also takes a software adapter. */
  device?: DeviceName;
  /** WASM threads. Default min(4, cores) on a cross-origin isolated page, 1 elsewhere. Fixed for the life of the runtime. */
  threads?: number;
  /** Folder filled by `forja-web-assets`, same origin. Only where the bundler does not follow `new Worker(new URL(...))`. */
  assets?: string | URL;
}

/** A {@link Runtime} that can also be waited for. */
export interface WebRuntime extends Runtime {
  /** Starts the worker and climbs the ladder, without a model. Rejects with `device.unavailable`. */
  ready(): Promise<DeviceReport>;
}

/** A runtime with a worker of its own, started by its first use. `device` is provisional until `ready()` or a session resolves. */
export function runtime(options: RuntimeOptions = {}): WebRuntime {
  return new WorkerRuntime(options);
}

/** {@link WebRuntime} over a worker. */
export class WorkerRuntime implements WebRuntime {
  readonly #options: RuntimeOptions;
  readonly #sessions = new Set<WorkerBackedSession>();
  #device: DeviceReport;
  #opening: Promise<Caller> | undefined;
  #disposal: Promise<void> | undefined;

  constructor(options: RuntimeOptions) {
    const { device = 'auto', threads } = options;
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) throw new UsageError(`runtime.threads: expected an integer from 1, got ${threads}`);
    this.#options = options;
    this.#device = { requested: device, actual: device === 'webgpu' ? 'webgpu' : 'wasm', reasons: ['not started yet'], threads: 1, crossOriginIsolated: globalThis.crossOriginIsolated, executor: 'worker', placement: {}, cpuOps: [] };
  }

  get device(): DeviceReport {
    return this.#device;
  }

  async ready(): Promise<DeviceReport> {
    await this.caller();
    return this.#device;
  }

  async createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    return this.createFrom({ bytes: new Uint8Array(model) }, ownedOptions(options));
  }

  /** As `createSession`, also for a model that the worker already holds. */
  async createFrom(model: PostedModel, options: SessionOptions, signal?: AbortSignalLike): Promise<WorkerBackedSession> {
    const caller = await this.caller();
    const record = await caller.call('create', { model, options: postableOptions(options) }, { signal });
    this.#device = record.device;
    const session = new WorkerBackedSession(caller, record, options, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  /** The manifest of a session's model, see `identify` in protocol.ts. */
  async identify(session: WorkerBackedSession, given: Partial<Manifest> | undefined): Promise<Manifest> {
    return (await this.caller()).call('identify', { session: session.id, given });
  }

  /** The started worker. */
  caller(): Promise<Caller> {
    if (this.#disposal) return Promise.reject(new ForjaError('disposed', 'runtime: it has been disposed'));
    this.#opening ??= this.#open();
    return this.#opening;
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#close();
    return this.#disposal;
  }

  async #open(): Promise<Caller> {
    const { worker, where } = startWorker(this.#options.assets);
    const caller = new Caller(worker, where);
    try {
      this.#device = await caller.call('open', { device: this.#options.device ?? 'auto', threads: this.#options.threads });
    } catch (error) {
      caller.terminate(new ForjaError('disposed', 'runtime: it could not be opened', { cause: error }));
      throw error;
    }
    return caller;
  }

  async #close(): Promise<void> {
    const caller = await this.#opening?.catch(() => undefined);
    if (!caller) return;
    // Sessions first, so that runs already queued end and GPU memory is freed; a worker that has died needs neither.
    for (const session of this.#sessions) session.close();
    await caller.call('close', {}).catch(() => undefined);
    caller.terminate(new ForjaError('disposed', 'runtime: it has been disposed'));
  }
}

function startWorker(assets: string | URL | undefined): { worker: Worker; where: string } {
  if (typeof Worker === 'undefined') throw new DeviceError('device.unavailable', 'runtime: expected a browser with Web Workers. In Node use @forja/node; in a server-side render, call this only in the browser.');
  if (assets === undefined) {
    // Written out in full: bundlers look for exactly this expression.
    return { worker: new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'forja' }), where: 'the bundled worker' };
  }
  const base = new URL(String(assets).replace(/\/?$/, '/'), globalThis.location.href);
  const url = new URL('worker.js', base);
  try {
    return { worker: new Worker(url, { type: 'module', name: 'forja' }), where: url.href };
  } catch (cause) {
    throw new DeviceError('device.unavailable', `runtime.assets: expected a folder of this page's origin (${globalThis.location.origin}), got ${base.href}`, { cause });
  }
}

/** A session in the worker. */
export class WorkerBackedSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly device: DeviceReport;
  readonly #caller: Caller;
  /** Its number in the worker. */
  readonly id: number;
  readonly #state: ReadonlySet<string>;
  readonly #stateOutputs: ReadonlySet<string>;
  readonly #forget: () => void;
  #disposal: Promise<void> | undefined;

  constructor(caller: Caller, record: SessionRecord, options: SessionOptions, forget: () => void) {
    this.#caller = caller;
    this.id = record.session;
    this.inputs = record.inputs;
    this.outputs = record.outputs;
    this.device = record.device;
    this.#state = new Set(Object.keys(options.state ?? {}));
    this.#stateOutputs = new Set(Object.values(options.state ?? {}).map(({ output }) => output));
    this.#forget = forget;
  }

  async run(feeds: NamedTensors, options: RunOptions = {}): Promise<NamedTensors> {
    this.#alive();
    checkFeeds(this.inputs, feeds, this.#state);
    const names = this.outputs.map(({ name }) => name ?? '');
    for (const name of options.outputs ?? []) if (!names.includes(name)) throw new UsageError(`run.outputs: expected names among ${names.join(', ')}, got '${name}'`);
    const outputs = options.outputs ?? names.filter((name) => !this.#stateOutputs.has(name));
    return this.#caller.call('run', { session: this.id, feeds: postableAll(feeds), outputs }, { signal: options.signal });
  }

  async readState(names?: string[]): Promise<NamedTensors> {
    this.#alive();
    return this.#caller.call('readState', { session: this.id, names });
  }

  async writeState(values: NamedTensors): Promise<void> {
    this.#alive();
    await this.#caller.call('writeState', { session: this.id, values: postableAll(values) });
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#caller.call('release', { session: this.id }).then(
      () => undefined,
      () => undefined, // a worker that has died has freed it
    );
    this.#forget();
    return this.#disposal;
  }

  /** Marks the session as gone with its runtime. */
  close(): void {
    this.#disposal ??= Promise.resolve();
  }

  #alive(): void {
    if (this.#disposal) throw new ForjaError('disposed', 'session: it has been disposed');
  }
}
