// Removes process listeners that Emscripten's runtime adds in tfjs's WASM backend. They rethrow every uncaught error,
// which ends a process whose own listener would have handled it.

/** The part of Node's process that is needed; absent in pages. */
interface ProcessLike {
  listeners: (event: string) => unknown[];
  removeListener: (event: string, listener: never) => unknown;
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Source of a function that only rethrows its argument, except for one class of errors: Emscripten's two listeners,
 * also after bundlers have rewritten them.
 */
const RETHROWS =
  /^(?:function\s*\w*\((\w+)\)|\(?(\w+)\)?\s*=>)\s*\{\s*(?:if\s*\(!\((?:\1|\2) instanceof [\w$.]+\)\)\s*)?\{?\s*throw (?:\1|\2);?\s*\}?\s*\}$/;

/**
 * Runs `work`, and removes such listeners that were added meanwhile. Other listeners stay: someone else added them at
 * the same time.
 */
export async function withoutRethrowing<T>(work: () => Promise<T>): Promise<T> {
  const { process } = globalThis as { process?: Partial<ProcessLike> }; // Node's, or a bundler's imitation
  const { listeners, removeListener } = process ?? {};
  if (process === undefined || listeners === undefined || removeListener === undefined) return work();
  const before = EVENTS.map((event) => new Set(listeners.call(process, event)));
  try {
    return await work();
  } finally {
    for (const [i, event] of EVENTS.entries())
      for (const listener of listeners.call(process, event))
        if (before[i]?.has(listener) === false && RETHROWS.test(String(listener)))
          removeListener.call(process, event, listener as never);
  }
}
