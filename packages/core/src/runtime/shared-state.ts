// State that sessions of one runtime share: where its tensors are, and which of them were lost with an executor and not
// written since.
import { disposable } from '../disposable.js';
import { UsageError } from '../errors.js';
import { optionsOf } from '../realm.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { SessionExecutor } from './executor.js';
import { checkTensor } from './feeds.js';
import { Resident, type Home } from './resident.js';
import type { SharedState } from './session.js';
import { StateLost } from './supervisor.js';
import { copiesOf, oursOf } from './tensors.js';

/** The state as its runtime keeps it. */
export class StateCore<R> extends Resident<R> {
  readonly tensors: ReadonlyMap<string, TensorSpec>;
  readonly #lost: Set<string>;

  private constructor(
    home: Home<R>,
    executor: SessionExecutor<R>,
    shared: number,
    tensors: ReadonlyMap<string, TensorSpec>,
  ) {
    super('state', home, executor, shared);
    this.tensors = tensors;
    this.#lost = new Set(tensors.keys());
  }

  /** Makes room in an executor; the values are still to be written. */
  static async make<R>(
    home: Home<R>,
    executor: SessionExecutor<R>,
    tensors: ReadonlyMap<string, TensorSpec>,
  ): Promise<StateCore<R>> {
    const { shared } = await executor.call('makeShared', { tensors: [...tensors.values()] });
    return new StateCore(home, executor, shared, tensors);
  }

  /** Throws for a name that is none of its tensors. */
  spec(where: string, name: string): TensorSpec {
    const spec = this.tensors.get(name);
    if (!spec) throw new UsageError(`${where}: expected one of ${[...this.tensors.keys()].join(', ')}, got '${name}'`);
    return spec;
  }

  /** Throws `device.lost` where one of `names` has no value any more. */
  need(names: Iterable<string>): void {
    const lost = [...names].filter((name) => this.#lost.has(name));
    if (lost.length > 0)
      throw new StateLost(
        `state: ${lost.join(', ')} was lost with the executor that held it: write the last state read, and go on`,
      );
  }

  /** Writes to an executor where this is already. */
  async put(executor: SessionExecutor<R>, shared: number, values: NamedTensors): Promise<void> {
    // Not given away: should the executor die over it, its successor gets them.
    await executor.call('writeShared', { shared, values });
    for (const name of Object.keys(values)) this.#lost.delete(name);
  }

  protected async remake(executor: SessionExecutor<R>): Promise<number> {
    const { shared } = await executor.call('makeShared', { tensors: [...this.tensors.values()] });
    for (const name of this.tensors.keys()) this.#lost.add(name);
    return shared;
  }

  protected free(executor: SessionExecutor<R>, shared: number): Promise<unknown> {
    return executor.call('freeShared', { shared });
  }

  protected forget(): void {
    // small
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
    for (const name of names) this.core.spec('read', name);
    return oursOf(
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
