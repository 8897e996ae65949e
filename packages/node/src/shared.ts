// Models that are loaded with the same options share one runtime, and so one worker and one set of threads: two that ran at once would take the cores from each other.
import type { RuntimeEvent } from '@forja/core';
import type { ExecutorOptions } from './executor/contract.js';
import { NodeRuntime } from './runtime.js';

interface Shared {
  runtime: NodeRuntime;
  listeners: Set<(event: RuntimeEvent) => void>;
}

const shared = new Map<string, Shared>();

/** A share in a runtime. */
export interface Lease {
  readonly runtime: NodeRuntime;
  /** Ends the share; the last one ends the runtime with its worker. Idempotent. */
  release(): Promise<void>;
}

/** A share in the runtime of these options. `onEvent` hears its events until the release. */
export function lease(options: ExecutorOptions, onEvent: (event: RuntimeEvent) => void): Lease {
  const key = JSON.stringify([options.device, options.threads, options.executor, String(options.timeoutMs)]);
  let entry = shared.get(key);
  if (!entry) {
    const listeners: Shared['listeners'] = new Set();
    entry = { listeners, runtime: new NodeRuntime(options, (event) => listeners.forEach((listener) => listener(event))) };
    shared.set(key, entry);
  }
  const { runtime, listeners } = entry;
  const listener = (event: RuntimeEvent): void => onEvent(event); // each share its own, also when two give the same function
  listeners.add(listener);
  return {
    runtime,
    release: async () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      shared.delete(key);
      await runtime.dispose();
    },
  };
}
