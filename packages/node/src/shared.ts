// Models that are loaded with the same options share one runtime, and so one worker and one set of threads: two that ran at once would take the cores from each other.
import type { RuntimeEvent } from '@forja/core';
import type { ExecutorOptions } from './executor/contract.js';
import { NodeRuntime } from './runtime.js';

interface Shared {
  runtime: NodeRuntime;
  /** By share. */
  listeners: Map<object, (event: RuntimeEvent) => void>;
}

const shared = new Map<string, Shared>();

/** A share in a runtime. */
export interface Lease {
  readonly runtime: NodeRuntime;
  /** Ends the share; the last one ends the runtime with its worker. Idempotent. */
  release(): Promise<void>;
}

/** A share in the runtime of these options. `onEvent` hears its events until the release: once each, also where several shares give the same function. */
export function lease(options: ExecutorOptions, onEvent: (event: RuntimeEvent) => void): Lease {
  const key = JSON.stringify([options.device, options.threads, options.executor, String(options.timeoutMs)]);
  let entry = shared.get(key);
  if (!entry) {
    const listeners: Shared['listeners'] = new Map();
    const tell = (event: RuntimeEvent): void => new Set(listeners.values()).forEach((listener) => process.nextTick(listener, event));
    entry = { listeners, runtime: new NodeRuntime(options, tell) };
    shared.set(key, entry);
  }
  const { runtime, listeners } = entry;
  const share = {};
  listeners.set(share, onEvent);
  return {
    runtime,
    release: async () => {
      if (!listeners.delete(share) || listeners.size > 0) return;
      shared.delete(key);
      await runtime.dispose();
    },
  };
}
