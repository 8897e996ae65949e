// A session of @forja/node. The handle that callers have is apart from what the runtime keeps of it, so that a handle which nobody has any more can be noticed.
import { checkFeeds, ForjaError, UsageError } from '@forja/core';
import type { DeviceReport, NamedTensors, RunOptions, Session, TensorSpec } from '@forja/core';
import { unwatch } from './dropped.js';
import type { Executor, ExecutorSessionOptions, SessionRecord } from './executor/contract.js';
import { StateLost, type Supervisor } from './executor/supervisor.js';
import { copiesOf } from './executor/tensors.js';
import type { Fifo } from './fifo.js';

/** What makes a session again. */
export interface Recipe {
  model: Uint8Array;
  options: ExecutorSessionOptions;
}

/** The session as its runtime keeps it: how to reach it, and how to make it again in another executor. */
export class SessionCore {
  readonly #queue: Fifo;
  readonly #supervisor: Supervisor;
  readonly #forget: () => void;
  /** Undefined for sessions with state, which would be made again without it. */
  readonly #recipe: Recipe | undefined;
  #at: { executor: Executor; id: number };
  #disposal: Promise<void> | undefined;

  constructor(queue: Fifo, supervisor: Supervisor, at: { executor: Executor; id: number }, recipe: Recipe | undefined, forget: () => void) {
    this.#queue = queue;
    this.#supervisor = supervisor;
    this.#at = at;
    this.#recipe = recipe;
    this.#forget = forget;
  }

  /** Queues `job`; it gets the executor of the day and this session's number there. */
  async perform<T>(job: (executor: Executor, session: number) => Promise<T>, signal?: RunOptions['signal']): Promise<T> {
    this.check();
    return this.#queue.add(() => this.#supervisor.perform(async (executor) => job(executor, await this.#in(executor))), signal);
  }

  /** Whether a failed run could be done again elsewhere, so that its feeds must be kept. */
  get pure(): boolean {
    return this.#recipe !== undefined;
  }

  /** Throws `disposed`. */
  check(): void {
    if (this.#disposal) throw new ForjaError('disposed', 'session: it has been disposed');
  }

  /** Frees the session after what is queued. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#queue
      .add(async () => {
        const { executor, id } = this.#at;
        // One that dies meanwhile takes the session with it.
        if (!executor.dead) await executor.call('release', { session: id }).catch((error: unknown) => void (executor.dead ?? raise(error)));
      })
      .finally(this.#forget);
    unwatch(this);
    return this.#disposal;
  }

  /** Marks it as gone with its runtime, which frees it. */
  close(): void {
    this.#disposal ??= Promise.resolve();
    unwatch(this);
  }

  async #in(executor: Executor): Promise<number> {
    if (this.#at.executor !== executor) {
      if (!this.#recipe) throw new StateLost();
      this.#at = { executor, id: (await executor.call('create', this.#recipe)).session };
    }
    return this.#at.id;
  }
}

/** The caller's handle. */
export class NodeSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly device: DeviceReport;
  readonly #core: SessionCore;
  readonly #state: ReadonlySet<string>;
  readonly #plain: readonly string[];

  constructor(core: SessionCore, record: SessionRecord, options: ExecutorSessionOptions) {
    const bindings = options.state ?? {};
    const stateOutputs = new Set(Object.values(bindings).map(({ output }) => output));
    this.#core = core;
    this.inputs = record.inputs;
    this.outputs = record.outputs;
    this.device = record.device;
    this.#state = new Set(Object.keys(bindings));
    this.#plain = record.outputs.map(({ name }) => name ?? '').filter((name) => !stateOutputs.has(name));
  }

  async run(feeds: NamedTensors, options: RunOptions = {}): Promise<NamedTensors> {
    this.#core.check();
    checkFeeds(this.inputs, feeds, this.#state);
    const names = this.outputs.map(({ name }) => name ?? '');
    for (const name of options.outputs ?? []) {
      if (!names.includes(name)) throw new UsageError(`run.outputs: expected names among ${names.join(', ')}, got '${name}'`);
    }
    const outputs = [...(options.outputs ?? this.#plain)];
    // Copied now: the caller may reuse its arrays at once.
    const copies = copiesOf(feeds);
    const core = this.#core;
    return core.perform((executor, session) => executor.call('run', { session, feeds: copies, outputs }, !core.pure), options.signal);
  }

  async readState(names?: string[]): Promise<NamedTensors> {
    return this.#core.perform((executor, session) => executor.call('readState', { session, names }));
  }

  async writeState(values: NamedTensors): Promise<void> {
    this.#core.check();
    const copies = copiesOf(values);
    await this.#core.perform((executor, session) => executor.call('writeState', { session, values: copies }, true));
  }

  dispose(): Promise<void> {
    return this.#core.dispose();
  }
}

function raise(error: unknown): never {
  throw error;
}
