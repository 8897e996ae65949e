// Executes operations in this thread. Used directly by the inline executor, and behind messages by the worker and the
// child process.
import { ForjaError } from '@forja/core';
import type { Executor, ExecutorOptions, Operation, Operations } from './contract.js';
import { OrtSession } from './ort-session.js';
import { ReadBack } from './read-back.js';
import { Slots } from './slots.js';

type Handlers = { [K in Operation]: (args: Operations[K][0]) => Promise<Operations[K][1]> };

/** Wraps each call into native code, so that the worker can mark itself busy. */
export type Guard = <T>(native: () => Promise<T>) => Promise<T>;

/** The sessions of one runtime. Calls must not overlap. */
export class Engine implements Executor {
  dead: Error | undefined;
  readonly #options: ExecutorOptions;
  readonly #guard: Guard;
  readonly #sessions = new Map<number, OrtSession>();
  readonly #shared = new Map<number, Slots>();
  readonly #readBack = new ReadBack();
  #next = 1;

  constructor(options: ExecutorOptions, guard: Guard = (native) => native()) {
    this.#options = options;
    this.#guard = guard;
  }

  call<K extends Operation>(op: K, args: Operations[K][0]): Promise<Operations[K][1]> {
    if (this.dead) return Promise.reject(this.dead);
    const handler: (args: Operations[K][0]) => Promise<Operations[K][1]> = this.#handlers[op];
    return this.#guard(() => handler(args));
  }

  kill(why: Error): void {
    this.dead = why;
    // errors of a lost device are ignored, because nothing can be done about them
    for (const session of this.#sessions.values()) session.abandon().catch(() => undefined);
    this.#readBack.release().catch(() => undefined);
    this.#sessions.clear();
    this.#shared.clear();
  }

  readonly #handlers: Handlers = {
    create: async ({ model, options }) => {
      const around = { slots: this.#slots, readBack: this.#readBack };
      const session = await OrtSession.create(model, this.#options, options, around);
      const id = this.#next++;
      this.#sessions.set(id, session);
      return { session: id, inputs: session.inputs, outputs: session.outputs, device: session.device };
    },
    run: async ({ session, feeds, outputs }) => this.#session(session).run(feeds, outputs),
    readState: async ({ session, names }) => this.#session(session).readState(names),
    writeState: async ({ session, values }) => {
      this.#session(session).writeState(values);
      return null;
    },
    release: async ({ session }) => {
      await this.#sessions.get(session)?.release();
      this.#sessions.delete(session);
      return null;
    },
    makeShared: async ({ tensors }) => {
      const shared = this.#next++;
      this.#shared.set(shared, Slots.of(tensors));
      return { shared };
    },
    readShared: async ({ shared, names }) => this.#slots(shared).read(names),
    writeShared: async ({ shared, values }) => {
      this.#slots(shared).write(values);
      return null;
    },
    freeShared: async ({ shared }) => {
      this.#shared.get(shared)?.free();
      this.#shared.delete(shared);
      return null;
    },
    close: async () => {
      for (const slots of this.#shared.values()) slots.free(); // nobody reads them any more
      for (const session of this.#sessions.values()) await session.release();
      await this.#readBack.release();
      this.#sessions.clear();
      this.#shared.clear();
      return null;
    },
  };

  readonly #slots = (id: number): Slots => {
    const slots = this.#shared.get(id);
    if (!slots) throw new ForjaError('disposed', 'state: it has been disposed');
    return slots;
  };

  #session(id: number): OrtSession {
    const session = this.#sessions.get(id);
    if (!session) throw new ForjaError('disposed', 'session: it has been disposed');
    return session;
  }
}
