// Models loaded with the same options share one runtime, and so one worker and one thread pool: two pools that run at
// once would compete for the cores.
import { platform } from '../platform.js';
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
      // Each listener in its own microtask, so that one that throws does not stop the others.
      const tell = (event: RuntimeEvent): void =>
        new Set(listeners.values()).forEach((listener) => platform().queueMicrotask(() => listener(event)));
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
