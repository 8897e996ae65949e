// A session in an executor. The handle that callers have is apart from what the runtime keeps of it, so that a handle
// which nobody has any more can be noticed.
import { ForjaError, UsageError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { DroppedHandles } from './dropped.js';
import type { SessionExecutor, SessionRecord } from './executor.js';
import { checkFeeds } from './feeds.js';
import type { Fifo } from './fifo.js';
import type { DeviceReport, RunOptions, Session, StateBinding } from './session.js';
import { StateLost, type Supervisor } from './supervisor.js';
import { copiesOf } from './tensors.js';

/** What a session needs of its runtime. */
export interface Home<R> {
  readonly queue: Fifo;
  readonly supervisor: Supervisor<SessionExecutor<R>>;
  readonly dropped: DroppedHandles;
  /** It was made again. */
  made(record: SessionRecord): void;
  /** It was freed. */
  gone(): void;
}

/** The session as its runtime keeps it: how to reach it, and how to make it again in another executor. */
export class SessionCore<R extends { options: { state?: Record<string, StateBinding> } }> {
  /**
   * Whether a failed run could be done again elsewhere, so that its feeds must be kept. With state it could not: a
   * session made again is without it.
   */
  readonly pure: boolean;
  readonly #home: Home<R>;
  #recipe: R | undefined;
  #executor: SessionExecutor<R>;
  #record: SessionRecord;
  #disposal: Promise<void> | undefined;

  constructor(home: Home<R>, recipe: R, executor: SessionExecutor<R>, record: SessionRecord) {
    this.#home = home;
    this.#executor = executor;
    this.#record = record;
    this.pure = Object.keys(recipe.options.state ?? {}).length === 0;
    if (this.pure) this.#recipe = recipe;
  }

  /** As it was made last. */
  get record(): SessionRecord {
    return this.#record;
  }

  /** Queues `job`; it gets the executor of the day and this session's number there. */
  async perform<T>(
    job: (executor: SessionExecutor<R>, session: number) => Promise<T>,
    signal?: AbortSignalLike,
  ): Promise<T> {
    this.check();
    const { queue, supervisor } = this.#home;
    return queue.add(
      () => supervisor.perform(async (executor) => job(executor, await this.#in(executor)), signal),
      signal,
    );
  }

  /** Throws `disposed`. */
  check(): void {
    if (this.#disposal) throw new ForjaError('disposed', 'session: it has been disposed');
  }

  /** Frees the session after what is queued. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#home.queue
      .add(async () => {
        this.#recipe = undefined;
        const executor = this.#executor;
        // One that dies meanwhile takes the session with it.
        if (!executor.dead)
          await executor
            .call('release', { session: this.#record.session })
            .catch((error: unknown) => void (executor.dead ?? raise(error)));
      })
      .finally(() => this.#home.gone());
    this.#home.dropped.unwatch(this);
    return this.#disposal;
  }

  /** Marks it as gone with its runtime, which frees it after what is queued: when `over` settles. */
  close(over: Promise<void>): void {
    const gone = (): void => {
      this.#recipe = undefined;
      this.#home.gone();
    };
    this.#disposal ??= over.then(gone, gone);
    this.#home.dropped.unwatch(this);
  }

  async #in(executor: SessionExecutor<R>): Promise<number> {
    if (this.#executor !== executor) {
      if (!this.#recipe) throw new StateLost();
      this.#record = await executor.call('create', this.#recipe);
      this.#executor = executor;
      this.#home.made(this.#record);
    }
    return this.#record.session;
  }
}

/** The caller's handle. */
export class ExecutorSession<R extends { options: { state?: Record<string, StateBinding> } }> implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly #core: SessionCore<R>;
  readonly #state: ReadonlySet<string>;
  readonly #plain: readonly string[];

  constructor(core: SessionCore<R>, options: R['options']) {
    const bindings = options.state ?? {};
    const stateOutputs = new Set(Object.values(bindings).map(({ output }) => output));
    this.#core = core;
    this.inputs = core.record.inputs;
    this.outputs = core.record.outputs;
    this.#state = new Set(Object.keys(bindings));
    this.#plain = this.outputs.map(({ name }) => name ?? '').filter((name) => !stateOutputs.has(name));
  }

  /** Where it was made last: another executor may have had to take another device. */
  get device(): DeviceReport {
    return this.#core.record.device;
  }

  async run(feeds: NamedTensors, options: RunOptions = {}): Promise<NamedTensors> {
    this.#core.check();
    checkFeeds(this.inputs, feeds, this.#state);
    const names = this.outputs.map(({ name }) => name ?? '');
    for (const name of options.outputs ?? []) {
      if (!names.includes(name))
        throw new UsageError(`run.outputs: expected names among ${names.join(', ')}, got '${name}'`);
    }
    const outputs = [...(options.outputs ?? this.#plain)];
    // Copied now: the caller may reuse its arrays at once.
    const copies = copiesOf(feeds);
    const core = this.#core;
    return core.perform(
      (executor, session) => executor.call('run', { session, feeds: copies, outputs }, !core.pure),
      options.signal,
    );
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
