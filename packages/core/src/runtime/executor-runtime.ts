// A runtime over executors: one queue in the caller's thread, one executor behind it, and sessions and states that
// survive a change of executor. @forja/node and @forja/web build their runtimes on it.
import { disposable } from '../disposable.js';
import { ForjaError, UsageError } from '../errors.js';
import { optionsOf } from '../realm.js';
import type { NamedTensors } from '../tensor.js';
import { madeHere, type DroppedHandles, type Held } from './dropped.js';
import type { RecipeOptions, SessionExecutor, SessionRecord } from './executor.js';
import { ExecutorSession, SessionCore, type BoundState } from './executor-session.js';
import { checkWhole } from './feeds.js';
import { Fifo } from './fifo.js';
import type { Home, Resident } from './resident.js';
import type {
  DeviceReport,
  RuntimeEvent,
  SessionOptions,
  SharedBinding,
  SharedState,
  StateBinding,
} from './session.js';
import type { SharedStates } from './shared-state.js';
import { Supervisor } from './supervisor.js';
import { copiesOf, copyOf } from './tensors.js';

/** The parts of an {@link ExecutorRuntime}. */
export interface ExecutorRuntimeParts<E> {
  /** Opens a fresh executor. */
  start: () => Promise<E>;
  onEvent: (event: RuntimeEvent) => void;
  dropped: DroppedHandles;
  /** The device that would be tried first. */
  device: DeviceReport;
}

/** A runtime that makes sessions from recipes `R` in executors `E`. */
export class ExecutorRuntime<R extends { options: RecipeOptions }, E extends SessionExecutor<R>> {
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  protected readonly supervisor: Supervisor<E>;
  readonly #dropped: DroppedHandles;
  readonly #queue = new Fifo();
  readonly #residents = new Set<Resident<R>>();
  /** Created with the first shared state. */
  #shared: SharedStates<R> | undefined;
  readonly #home: Home<R>;
  #device: DeviceReport;
  #disposal: Promise<void> | undefined;

  constructor({ start, onEvent, dropped, device }: ExecutorRuntimeParts<E>) {
    const supervisor = new Supervisor(start, onEvent);
    this.supervisor = supervisor;
    this.#dropped = dropped;
    this.#device = device;
    this.#home = {
      queue: this.#queue,
      supervisor,
      dropped,
      made: (record: SessionRecord) => this.found(record.device),
      gone: (resident) => this.#residents.delete(resident),
    };
    disposable(this);
  }

  /** The device of the session last made or remade; before the first, the device that would be tried first. */
  get device(): DeviceReport {
    return this.#device;
  }

  /**
   * Makes a session. `recipe` does not include the state, which is a separate argument. `held` describes the handle
   * that owns the session (a generator, or the session itself); its `free`, if given, is called after the session is
   * freed.
   */
  make(
    recipe: R,
    state: SessionOptions['state'] = {},
    held: Omit<Held, 'free'> & { free?: () => Promise<void> },
  ): Promise<ExecutorSession<R>> {
    this.alive();
    // Copied now, as the caller may reuse its arrays immediately.
    const own: Record<string, StateBinding> = {};
    const others: [string, SharedBinding][] = [];
    for (const [input, given] of Object.entries(optionsOf('state', state))) {
      const binding = optionsOf(`state.${input}`, given);
      if ('state' in binding) others.push([input, binding]);
      else {
        checkWhole(`state.${input}.initial`, binding.initial);
        own[input] = { output: binding.output, initial: copyOf(binding.initial) };
      }
    }
    let shared: BoundState<R> | undefined;
    if (others.length > 0 && !(shared = this.#shared?.bind(others)))
      throw new UsageError('state: expected one that this runtime made, got another');
    return this.#queue.add(() =>
      this.supervisor.perform(async (executor) => {
        const core = new SessionCore(this.#home, { recipe, own, shared });
        await core.in(executor);
        const { free } = held;
        const session = new ExecutorSession(core, state);
        this.#keep(session, core, { ...held, free: () => core.dispose().finally(free) });
        return session;
      }),
    );
  }

  /** State that sessions of this runtime share. */
  async createState(tensors: NamedTensors): Promise<SharedState> {
    this.alive();
    for (const [name, value] of Object.entries(optionsOf('createState', tensors)))
      checkWhole(`createState.${name}`, value);
    const values = copiesOf(tensors);
    const made = madeHere(this.createState);
    const { SharedStates } = await import('./shared-state.js');
    this.#shared ??= new SharedStates(this.#home);
    const { state, core } = await this.#shared.open(values);
    this.#keep(state, core, { what: 'state', made, free: () => core.dispose() });
    return state;
  }

  /** Ends it, and its sessions, after the queued jobs. Idempotent. */
  dispose(): Promise<void> {
    if (this.#disposal) return this.#disposal;
    this.#dropped.unwatch(this.#queue);
    const over = this.#queue.add(() => this.supervisor.close()); // after every run already queued
    for (const resident of this.#residents) resident.close(over);
    return (this.#disposal = over);
  }

  /** Ends the executor when this runtime and its sessions are garbage-collected. */
  watch(made: string): void {
    const [queue, supervisor] = [this.#queue, this.supervisor];
    this.#dropped.watch(this, { what: 'runtime', made, free: () => queue.add(() => supervisor.close()) }, queue);
  }

  /** Records the device that an executor found. */
  protected found(device: DeviceReport): void {
    this.#device = device;
  }

  /** Throws `disposed` if the runtime has been disposed. */
  protected alive(): void {
    if (this.#disposal) throw new ForjaError('disposed', 'runtime: it has been disposed');
  }

  /** Registers the resident made for `handle`. `held` must not reference the handle. */
  #keep(handle: object, core: Resident<R>, held: Held): void {
    this.#residents.add(core);
    this.#dropped.watch(handle, held, core);
    if (this.#disposal) core.close(this.#disposal);
  }
}
