// A session in an executor. The handle that callers have is apart from what the runtime keeps of it, so that a handle
// which nobody has any more can be noticed.
import { disposable } from '../disposable.js';
import { UsageError } from '../errors.js';
import { kindOf, optionsOf } from '../realm.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { RecipeOptions, SessionExecutor, SessionRecord } from './executor.js';
import { checkFeeds, checkWhole } from './feeds.js';
import { Resident, type Home } from './resident.js';
import type { DeviceReport, RunOptions, Session, SessionOptions, SharedState, StateBinding } from './session.js';
import type { StateCore } from './shared-state.js';
import { StateLost } from './supervisor.js';
import { copiesOf, oursOf } from './tensors.js';

/** An input's tensor in shared state. */
export interface Bound<R> {
  core: StateCore<R>;
  tensor: string;
  output?: string;
}

/** How a session is made: its state of its own, and what it has of others', by input. */
export interface SessionParts<R> {
  recipe: R;
  own: Readonly<Record<string, StateBinding>>;
  shared: Readonly<Record<string, Bound<R>>>;
}

/** The session as its runtime keeps it: how to reach it, and how to make it again in another executor. */
export class SessionCore<R extends { options: RecipeOptions }> extends Resident<R> {
  /**
   * Whether a failed run could be done again elsewhere, so that its feeds must be kept. With state it could not: there
   * it is lost.
   */
  readonly pure: boolean;
  #parts: SessionParts<R> | undefined;
  /** Names of the tensors that it needs, by state. */
  readonly #needs: ReadonlyMap<StateCore<R>, readonly string[]>;
  #record: SessionRecord;

  private constructor(home: Home<R>, parts: SessionParts<R>, executor: SessionExecutor<R>, record: SessionRecord) {
    super('session', home, executor, record.session);
    this.#record = record;
    const needs = new Map<StateCore<R>, string[]>();
    for (const { core, tensor } of Object.values(parts.shared)) needs.set(core, [...(needs.get(core) ?? []), tensor]);
    this.#needs = needs;
    const own = Object.keys(parts.own).length > 0;
    this.pure = !own && needs.size === 0;
    if (!own) this.#parts = parts;
  }

  /** Makes the session. */
  static async make<R extends { options: RecipeOptions }>(
    home: Home<R>,
    parts: SessionParts<R>,
    executor: SessionExecutor<R>,
  ): Promise<SessionCore<R>> {
    const record = await create(parts, executor);
    home.made(record);
    return new SessionCore(home, parts, executor, record);
  }

  /** As it was made last. */
  get record(): SessionRecord {
    return this.#record;
  }

  override check(): void {
    super.check();
    for (const core of this.#needs.keys()) core.check();
  }

  /** Where its state is lost, it is not made again before that is written. */
  override async in(executor: SessionExecutor<R>): Promise<number> {
    for (const [core, tensors] of this.#needs) {
      await core.in(executor);
      core.need(tensors);
    }
    return super.in(executor);
  }

  protected async remake(executor: SessionExecutor<R>): Promise<number> {
    if (!this.#parts) throw new StateLost();
    this.#record = await create(this.#parts, executor);
    this.home.made(this.#record);
    return this.#record.session;
  }

  protected free(executor: SessionExecutor<R>, session: number): Promise<unknown> {
    return executor.call('release', { session });
  }

  protected forget(): void {
    this.#parts = undefined;
  }
}

/** Makes a session in an executor, bound to what its states are called there. */
async function create<R extends { options: RecipeOptions }>(
  { recipe, own, shared }: SessionParts<R>,
  executor: SessionExecutor<R>,
): Promise<SessionRecord> {
  const state: RecipeOptions['state'] = { ...own };
  for (const [input, { core, ...binding }] of Object.entries(shared)) {
    const number = await core.in(executor);
    core.need([binding.tensor]);
    state[input] = { shared: number, ...binding };
  }
  if (Object.keys(state).length === 0) return executor.call('create', recipe);
  return executor.call('create', { ...recipe, options: { ...recipe.options, state } });
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
  /** Their handles live as long as this one. */
  readonly states: readonly SharedState[];

  constructor(core: SessionCore<R>, bindings: NonNullable<SessionOptions['state']>) {
    const stateOutputs = new Set(Object.values(bindings).map(({ output }) => output));
    this.#core = core;
    this.states = Object.values(bindings).flatMap((binding) => ('state' in binding ? [binding.state] : []));
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
