// A runtime over executors: one queue in the caller's thread, one executor behind it, sessions and states that outlive
// it. What packages that execute ONNX build theirs on.
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

/** What an {@link ExecutorRuntime} is made of. */
export interface ExecutorRuntimeParts<E> {
  /** Opens a fresh executor. */
  start: () => Promise<E>;
  onEvent: (event: RuntimeEvent) => void;
  dropped: DroppedHandles;
  /** What would be tried first. */
  device: DeviceReport;
}

/** Sessions made from recipes `R`, in executors `E`. */
export class ExecutorRuntime<R extends { options: RecipeOptions }, E extends SessionExecutor<R>> {
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  protected readonly supervisor: Supervisor<E>;
  readonly #dropped: DroppedHandles;
  readonly #queue = new Fifo();
  readonly #residents = new Set<Resident<R>>();
  /** Made with the first such state. */
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

  /** Of the last session made, or made again; before the first, what would be tried first. */
  get device(): DeviceReport {
    return this.#device;
  }

  /**
   * Makes a session. `recipe` is without the state, which is given apart. `held` says of which handle it is part, when
   * that is not the session itself; `free` of it is called once the session is.
   */
  make(
    recipe: R,
    state: SessionOptions['state'] = {},
    held: Omit<Held, 'free'> & { free?: () => Promise<void> },
  ): Promise<ExecutorSession<R>> {
    this.alive();
    // Copied now: the caller may reuse its arrays at once.
    const own: Record<string, StateBinding> = {};
    const others: [string, SharedBinding][] = [];
    for (const [input, binding] of Object.entries(state))
      if ('state' in binding) others.push([input, binding]);
      else {
        checkWhole(`state.${input}.initial`, binding.initial);
        own[input] = { output: binding.output, initial: copyOf(binding.initial) };
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

  /** Ends it after what is queued, and its sessions with it. Idempotent. */
  dispose(): Promise<void> {
    if (this.#disposal) return this.#disposal;
    this.#dropped.unwatch(this.#queue);
    const over = this.#queue.add(() => this.supervisor.close()); // behind every run already queued
    for (const resident of this.#residents) resident.close(over);
    return (this.#disposal = over);
  }

  /** Has the executor ended when this runtime and its sessions are forgotten. */
  watch(made: string): void {
    const [queue, supervisor] = [this.#queue, this.supervisor];
    this.#dropped.watch(this, { what: 'runtime', made, free: () => queue.add(() => supervisor.close()) }, queue);
  }

  /** Notes the device that an executor found. */
  protected found(device: DeviceReport): void {
    this.#device = device;
  }

  /** Throws `disposed`. */
  protected alive(): void {
    if (this.#disposal) throw new ForjaError('disposed', 'runtime: it has been disposed');
  }

  /** Takes up what was made for `handle`. `held` must not refer to it. */
  #keep(handle: object, core: Resident<R>, held: Held): void {
    this.#residents.add(core);
    this.#dropped.watch(handle, held, core);
    if (this.#disposal) core.close(this.#disposal);
  }
}
