// Models loaded with the same options share one runtime, and so one worker and one thread pool: two running at once
// would compete for the cores.
import { heard } from './heard.js';
import type { RuntimeEvent } from './session.js';

interface Shared<R> {
  runtime: R;
  /** By lease. */
  listeners: Map<object, (event: RuntimeEvent) => void>;
}

/** A reference-counted share of a runtime. */
export interface Lease<R> {
  readonly runtime: R;
  /** Ends the lease; the last one disposes the runtime and its worker. Idempotent. */
  release(): Promise<void>;
}

/** Runtimes by their options. */
export class SharedRuntimes<R extends { dispose(): Promise<void> }> {
  readonly #shared = new Map<string, Shared<R>>();
  readonly #warn: (message: string) => void;

  /** `warn` is told of listeners that fail. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /**
   * A lease on the runtime of `key`, which `make` creates if needed. `onEvent` receives its events until the release:
   * once each, even if several leases pass the same function.
   */
  lease(
    key: string,
    make: (tell: (event: RuntimeEvent) => void) => R,
    onEvent: (event: RuntimeEvent) => void,
  ): Lease<R> {
    let entry = this.#shared.get(key);
    if (!entry) {
      const listeners: Shared<R>['listeners'] = new Map();
      const tell = (event: RuntimeEvent): void =>
        new Set(listeners.values()).forEach((listener) => heard(listener, this.#warn)(event));
      entry = { listeners, runtime: make(tell) };
      this.#shared.set(key, entry);
    }
    const { runtime, listeners } = entry;
    const share = {};
    listeners.set(share, onEvent);
    return {
      runtime,
      release: async () => {
        if (!listeners.delete(share) || listeners.size > 0) return;
        this.#shared.delete(key);
        await runtime.dispose();
      },
    };
  }
}
