// tfjs's WASM backend comes with Emscripten's runtime, which adds listeners to Node's process that throw what they
// hear: an error that the application's own listener would survive ends the process then.

/** What is needed of Node's process; nothing in a page. */
interface ProcessLike {
  listeners: (event: string) => unknown[];
  removeListener: (event: string, listener: never) => unknown;
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * A function that throws its argument and does nothing else, but for one class of errors: Emscripten's two, also as
 * bundlers write them.
 */
const RETHROWS =
  /^(?:function\s*\w*\((\w+)\)|\(?(\w+)\)?\s*=>)\s*\{\s*(?:if\s*\(!\((?:\1|\2) instanceof [\w$.]+\)\)\s*)?\{?\s*throw (?:\1|\2);?\s*\}?\s*\}$/;

/**
 * Does `work`, and removes such listeners that appeared meanwhile. Others stay: they are of somebody who did something
 * at the same time.
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
