// State that sessions of one runtime share: where its tensors are, and which were lost with an executor and not
// rewritten since. Built as a separate file, loaded with the first shared state, because pages that only sample do not
// need it.
import { disposable } from '../disposable.js';
import { StateLost, UsageError } from '../errors.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { SessionExecutor, SlotBinding } from './executor.js';
import type { BoundState } from './executor-session.js';
import { checkTensor } from './feeds.js';
import { Resident, type Home } from './resident.js';
import type { SharedBinding, SharedState } from './session.js';
import { copiesOf, inThisRealm } from './tensors.js';

/** The runtime's side of a shared state. */
export class StateCore<R> extends Resident<R> {
  readonly tensors: ReadonlyMap<string, TensorSpec>;
  readonly #lost: Set<string>;

  constructor(home: Home<R>, tensors: readonly (TensorSpec & { name: string })[]) {
    super('state', home);
    this.tensors = new Map(tensors.map((spec) => [spec.name, spec]));
    this.#lost = new Set(this.tensors.keys());
  }

  /** Throws for a name that it does not have. */
  spec(where: string, name: string): TensorSpec {
    const spec = this.tensors.get(name);
    if (!spec)
      throw new UsageError(`${where}: expected one of ${[...this.tensors.keys()].join(', ')}, got ${shown(name)}`);
    return spec;
  }

  /** Throws `device.lost` if one of `names` has lost its value. */
  need(names: Iterable<string>): void {
    const lost = [...names].filter((name) => this.#lost.has(name));
    if (lost.length > 0)
      throw new StateLost(
        `state: ${lost.join(', ')} was lost with its executor: write the last state that was read, then continue`,
      );
  }

  /** Writes to an executor that already holds this state. */
  async put(executor: SessionExecutor<R>, shared: number, values: NamedTensors): Promise<void> {
    // The buffers are not transferred, because the next executor needs the values if this one dies meanwhile.
    await executor.call('writeShared', { shared, values });
    for (const name of Object.keys(values)) this.#lost.delete(name);
  }

  protected async make(executor: SessionExecutor<R>): Promise<number> {
    const { shared } = await executor.call('makeShared', { tensors: [...this.tensors.values()] });
    for (const name of this.tensors.keys()) this.#lost.add(name);
    return shared;
  }

  protected free(executor: SessionExecutor<R>, shared: number): Promise<unknown> {
    return executor.call('freeShared', { shared });
  }
}

/** The caller's handle. */
export class ExecutorState<R> implements SharedState {
  readonly tensors: TensorSpec[];
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly core: StateCore<R>;

  constructor(core: StateCore<R>) {
    this.core = core;
    this.tensors = [...core.tensors.values()];
    disposable(this);
  }

  async read(names: string[] = [...this.core.tensors.keys()]): Promise<NamedTensors> {
    if (!Array.isArray(names)) throw new UsageError(`read: expected a list of names, got ${shown(names)}`);
    for (const name of names) this.core.spec('read', name);
    return inThisRealm(
      await this.core.perform((executor, shared) => {
        this.core.need(names);
        return executor.call('readShared', { shared, names });
      }),
    );
  }

  async write(values: NamedTensors): Promise<void> {
    this.core.check();
    for (const [name, value] of Object.entries(optionsOf('write', values)))
      checkTensor(`write.${name}`, this.core.spec('write', name), value);
    const copies = copiesOf(values);
    await this.core.perform((executor, shared) => this.core.put(executor, shared, copies));
  }

  dispose(): Promise<void> {
    return this.core.dispose();
  }
}

/** The states of one runtime. */
export class SharedStates<R> {
  readonly #home: Home<R>;
  readonly #cores = new WeakMap<SharedState, StateCore<R>>();

  constructor(home: Home<R>) {
    this.#home = home;
  }

  /** Makes a state with these values, which the caller has checked and copied. */
  async open(values: NamedTensors): Promise<{ state: SharedState; core: StateCore<R> }> {
    const { queue, supervisor } = this.#home;
    const tensors = Object.entries(values).map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] }));
    const core = await queue.add(() =>
      supervisor.perform(async (executor) => {
        const made = new StateCore(this.#home, tensors);
        await made.put(executor, await made.in(executor), values);
        return made;
      }),
    );
    const state = new ExecutorState(core);
    this.#cores.set(state, core);
    return { state, core };
  }

  /** A session's bindings; undefined if one is to a state of another runtime. */
  bind(bindings: readonly (readonly [input: string, binding: SharedBinding])[]): BoundState<R> | undefined {
    const bound: [string, Bound<R>][] = [];
    for (const [input, { state, tensor = input, output }] of bindings) {
      const core = this.#cores.get(state);
      if (!core) return undefined;
      core.check();
      core.spec(`state.${input}.tensor`, tensor);
      bound.push([input, { state, core, slot: { tensor, ...(output === undefined ? {} : { output }) } }]);
    }
    return new Bindings(bound);
  }
}

/** The state tensor of an input. */
interface Bound<R> {
  /** Kept referenced as long as the session lives, so that it is not garbage-collected and freed. */
  state: SharedState;
  core: StateCore<R>;
  slot: Omit<SlotBinding, 'shared'>;
}

/** One session's bindings to shared states. */
class Bindings<R> implements BoundState<R> {
  readonly #bound: readonly (readonly [string, Bound<R>])[];
  /** Names of the tensors, by state. */
  readonly #needs = new Map<StateCore<R>, string[]>();

  constructor(bound: readonly (readonly [string, Bound<R>])[]) {
    this.#bound = bound;
    for (const [, { core, slot }] of bound) this.#needs.set(core, [...(this.#needs.get(core) ?? []), slot.tensor]);
  }

  check(): void {
    for (const core of this.#needs.keys()) core.check();
  }

  async slots(executor: SessionExecutor<R>): Promise<Record<string, SlotBinding>> {
    const numbers = new Map<StateCore<R>, number>();
    for (const [core, tensors] of this.#needs) {
      numbers.set(core, await core.in(executor));
      core.need(tensors);
    }
    return Object.fromEntries(
      this.#bound.map(([input, { core, slot }]) => [input, { shared: numbers.get(core) ?? 0, ...slot }]),
    );
  }
}
