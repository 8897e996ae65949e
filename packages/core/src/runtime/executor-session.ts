// A session in an executor. The handle that callers have is apart from what the runtime keeps of it, so that a handle
// which nobody has any more can be noticed.
import { disposable } from '../disposable.js';
import { StateLost, UsageError } from '../errors.js';
import { kindOf, optionsOf } from '../realm.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { RecipeOptions, SessionExecutor, SessionRecord, SlotBinding } from './executor.js';
import { checkFeeds, checkWhole } from './feeds.js';
import { Resident, type Home } from './resident.js';
import type { DeviceReport, RunOptions, Session, SessionOptions, StateBinding } from './session.js';
import { copiesOf, oursOf } from './tensors.js';

/** What a session has of states that others share. */
export interface BoundState<R> {
  /** Throws `disposed` where a state has ended. */
  check(): void;
  /** Its bindings in an executor. Throws `device.lost` where a value has gone with the executor before. */
  slots(executor: SessionExecutor<R>): Promise<Record<string, SlotBinding>>;
}

/** How a session is made: its state of its own, by input, and what it has of others'. */
export interface SessionParts<R> {
  recipe: R;
  own: Readonly<Record<string, StateBinding>>;
  shared: BoundState<R> | undefined;
}

/** The session as its runtime keeps it: how to reach it, and how to make it again in another executor. */
export class SessionCore<R extends { options: RecipeOptions }> extends Resident<R> {
  /**
   * Whether a failed run could be done again elsewhere, so that its feeds must be kept. With state it could not: there
   * it is lost.
   */
  readonly pure: boolean;
  /** As it was made last; it is by the time that anyone asks. */
  record!: SessionRecord;
  #parts: SessionParts<R> | undefined;
  readonly #shared: BoundState<R> | undefined;
  #slots: Record<string, SlotBinding> | undefined;
  readonly #once: boolean;

  constructor(home: Home<R>, parts: SessionParts<R>) {
    super('session', home);
    this.#parts = parts;
    this.#shared = parts.shared;
    this.#once = Object.keys(parts.own).length > 0;
    this.pure = !this.#once && !parts.shared;
  }

  override check(): void {
    super.check();
    this.#shared?.check();
  }

  /** Where shared state is lost, no run begins, and no session is made, before that is written. */
  override async in(executor: SessionExecutor<R>): Promise<number> {
    this.#slots = await this.#shared?.slots(executor);
    return super.in(executor);
  }

  protected async make(executor: SessionExecutor<R>): Promise<number> {
    if (!this.#parts) throw new StateLost();
    const { recipe, own } = this.#parts;
    const options = this.pure ? recipe.options : { ...recipe.options, state: { ...own, ...this.#slots } };
    this.record = await executor.call('create', { ...recipe, options });
    if (this.#once) this.forget();
    this.home.made(this.record);
    return this.record.session;
  }

  protected free(executor: SessionExecutor<R>, session: number): Promise<unknown> {
    return executor.call('release', { session });
  }

  protected override forget(): void {
    this.#parts = undefined;
  }
}

/** The caller's handle. */
export class ExecutorSession<R extends { options: RecipeOptions }> implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #core: SessionCore<R>;
  readonly #state: ReadonlySet<string>;
  readonly #plain: readonly string[];

  constructor(core: SessionCore<R>, bindings: NonNullable<SessionOptions['state']>) {
    const stateOutputs = new Set(Object.values(bindings).map(({ output }) => output));
    this.#core = core;
    this.inputs = core.record.inputs;
    this.outputs = core.record.outputs;
    this.#state = new Set(Object.keys(bindings));
    disposable(this);
    this.#plain = this.outputs.map(({ name }) => name ?? '').filter((name) => !stateOutputs.has(name));
  }

  /** Where it was made last: another executor may have had to take another device. */
  get device(): DeviceReport {
    return this.#core.record.device;
  }

  async run(feeds: NamedTensors, options: RunOptions = {}): Promise<NamedTensors> {
    this.#core.check();
    optionsOf('run.options', options);
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
    const run = core.perform(
      (executor, session) => executor.call('run', { session, feeds: copies, outputs }, !core.pure),
      options.signal,
    );
    return oursOf(await run);
  }

  async readState(names?: string[]): Promise<NamedTensors> {
    if (names !== undefined && !Array.isArray(names))
      throw new UsageError(`readState: expected a list of names, got ${kindOf(names)}`);
    return oursOf(await this.#core.perform((executor, session) => executor.call('readState', { session, names })));
  }

  async writeState(values: NamedTensors): Promise<void> {
    this.#core.check();
    for (const [name, value] of Object.entries(optionsOf('writeState', values)))
      checkWhole(`writeState.${name}`, value); // its kind, the executor compares
    const copies = copiesOf(values);
    await this.#core.perform((executor, session) => executor.call('writeState', { session, values: copies }, true));
  }

  dispose(): Promise<void> {
    return this.#core.dispose();
  }
}
