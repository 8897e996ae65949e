// A session in an executor. The caller's handle is separate from what the runtime keeps, so that a dropped handle can
// be garbage-collected and noticed.
import { disposable } from '../disposable.js';
import { StateLost, UsageError } from '../errors.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { RecipeOptions, SessionExecutor, SessionRecord, SlotBinding } from './executor.js';
import { checkFeeds, checkWhole } from './feeds.js';
import { Resident, type Home } from './resident.js';
import type { DeviceReport, RunOptions, Session, SessionOptions, StateBinding } from './session.js';
import { copiesOf, inThisRealm } from './tensors.js';

/** A session's bindings to shared states. */
export interface BoundState<R> {
  /** Throws `disposed` if a state was disposed. */
  check(): void;
  /** Its bindings in an executor. Throws `device.lost` if a value was lost with the previous executor. */
  slots(executor: SessionExecutor<R>): Promise<Record<string, SlotBinding>>;
}

/** The parts of a session: its own state, by input, and its bindings to shared states. */
export interface SessionParts<R> {
  recipe: R;
  own: Readonly<Record<string, StateBinding>>;
  shared: BoundState<R> | undefined;
}

/** The runtime's side of a session: how to reach it, and how to remake it in another executor. */
export class SessionCore<R extends { options: RecipeOptions }> extends Resident<R> {
  /**
   * True if a failed run can be retried on another executor, so its feeds must be kept. False with state, which is lost
   * with the executor.
   */
  readonly pure: boolean;
  /** The executor's description of the session, updated whenever it is remade. */
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

  /** While shared state is lost, no run starts and no session is made until it is written again. */
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

  /** The device where it was last made; a new executor may have had to use another one. */
  get device(): DeviceReport {
    return this.#core.record.device;
  }

  async run(feeds: NamedTensors, options: RunOptions = {}): Promise<NamedTensors> {
    this.#core.check();
    const { outputs: asked = this.#plain, signal } = optionsOf('run.options', options, 'outputs signal');
    checkFeeds(this.inputs, feeds, this.#state);
    const names = this.outputs.map(({ name }) => name ?? '');
    const wanted = [asked].flat(); // callers without types may give one name
    for (const name of wanted) {
      if (!names.includes(name))
        throw new UsageError(`run.outputs: expected names among ${names.join(', ')}, got ${shown(name)}`);
    }
    // Copied now: the caller may reuse its arrays at once.
    const copies = copiesOf(feeds);
    const core = this.#core;
    const run = core.perform(
      (executor, session) => executor.call('run', { session, feeds: copies, outputs: wanted }, !core.pure),
      signal,
    );
    return inThisRealm(await run);
  }

  async readState(names?: string[]): Promise<NamedTensors> {
    if (names !== undefined && !Array.isArray(names))
      throw new UsageError(`readState: expected a list of names, got ${shown(names)}`);
    return inThisRealm(await this.#core.perform((executor, session) => executor.call('readState', { session, names })));
  }

  async writeState(values: NamedTensors): Promise<void> {
    this.#core.check();
    for (const [name, value] of Object.entries(optionsOf('writeState', values)))
      checkWhole(`writeState.${name}`, value); // the executor checks its type and shape
    const copies = copiesOf(values);
    await this.#core.perform((executor, session) => executor.call('writeState', { session, values: copies }, true));
  }

  dispose(): Promise<void> {
    return this.#core.dispose();
  }
}
