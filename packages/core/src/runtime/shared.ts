// Models that are loaded with the same options share one runtime, and so one worker and one set of threads: two that
// ran at once would take the cores from each other.
import { platform } from '../platform.js';
import type { RuntimeEvent } from './session.js';

interface Shared<R> {
  runtime: R;
  /** By share. */
  listeners: Map<object, (event: RuntimeEvent) => void>;
}

/** A share in a runtime. */
export interface Lease<R> {
  readonly runtime: R;
  /** Ends the share; the last one ends the runtime with its worker. Idempotent. */
  release(): Promise<void>;
}

/** Runtimes by their options. */
export class SharedRuntimes<R extends { dispose(): Promise<void> }> {
  readonly #shared = new Map<string, Shared<R>>();

  /**
   * A share in the runtime of `key`, which `make` makes. `onEvent` hears its events until the release: once each, also
   * where several shares give the same function.
   */
  lease(
    key: string,
    make: (tell: (event: RuntimeEvent) => void) => R,
    onEvent: (event: RuntimeEvent) => void,
  ): Lease<R> {
    let entry = this.#shared.get(key);
    if (!entry) {
      const listeners: Shared<R>['listeners'] = new Map();
      // Each in a turn of its own: what one throws is not the others' business.
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
