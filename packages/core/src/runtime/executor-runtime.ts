// A runtime over executors: one queue in the caller's thread, one executor behind it, sessions that outlive it. What
// packages that execute ONNX build theirs on.
import { ForjaError } from '../errors.js';
import type { DroppedHandles, Held } from './dropped.js';
import type { SessionExecutor, SessionRecord } from './executor.js';
import { ExecutorSession, SessionCore } from './executor-session.js';
import { Fifo } from './fifo.js';
import type { DeviceReport, RuntimeEvent, StateBinding } from './session.js';
import { Supervisor } from './supervisor.js';

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
export class ExecutorRuntime<
  R extends { options: { state?: Record<string, StateBinding> } },
  E extends SessionExecutor<R>,
> {
  protected readonly supervisor: Supervisor<E>;
  readonly #dropped: DroppedHandles;
  readonly #queue = new Fifo();
  readonly #sessions = new Set<SessionCore<R>>();
  #device: DeviceReport;
  #disposal: Promise<void> | undefined;

  constructor({ start, onEvent, dropped, device }: ExecutorRuntimeParts<E>) {
    this.supervisor = new Supervisor(start, onEvent);
    this.#dropped = dropped;
    this.#device = device;
  }

  /** Of the last session made, or made again; before the first, what would be tried first. */
  get device(): DeviceReport {
    return this.#device;
  }

  /**
   * Makes a session. `held` says of which handle it is part, when that is not the session itself; `free` of it is
   * called once the session is.
   */
  make(recipe: R, held: Omit<Held, 'free'> & { free?: () => Promise<void> }): Promise<ExecutorSession<R>> {
    this.alive();
    const made = (record: SessionRecord): void => this.found(record.device);
    return this.#queue.add(() =>
      this.supervisor.perform(async (executor) => {
        const record = await executor.call('create', recipe);
        made(record);
        const core: SessionCore<R> = new SessionCore<R>(
          {
            queue: this.#queue,
            supervisor: this.supervisor,
            dropped: this.#dropped,
            made,
            gone: () => this.#sessions.delete(core),
          },
          recipe,
          executor,
          record,
        );
        this.#sessions.add(core);
        const session = new ExecutorSession(core, recipe.options);
        const { free } = held;
        // Neither refers to `session`.
        this.#dropped.watch(session, { ...held, free: () => core.dispose().finally(free) }, core);
        if (this.#disposal) core.close(this.#disposal);
        return session;
      }),
    );
  }

  /** Ends it after what is queued, and its sessions with it. Idempotent. */
  dispose(): Promise<void> {
    if (this.#disposal) return this.#disposal;
    this.#dropped.unwatch(this.#queue);
    const over = this.#queue.add(() => this.supervisor.close()); // behind every run already queued
    for (const session of this.#sessions) session.close(over);
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
}
