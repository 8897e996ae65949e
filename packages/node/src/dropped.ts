// Handles that are forgotten instead of disposed of: when one is collected, what it held is freed, and a process warning says once where it was made.

/** What is known of a handle. Must not refer to it. */
export interface Held {
  /** 'generator' or 'session'. */
  what: string;
  /** Where the caller made it, as {@link madeHere} says. Text: the frames of an Error would keep what they were called on. */
  made: string;
  /** Frees what the handle held. */
  free: () => Promise<void>;
}

const warned = new Set<string>();

const registry = new FinalizationRegistry<Held>(({ what, made, free }) => {
  void free().catch(() => undefined); // nobody is left to be told
  if (warned.has(made)) return;
  warned.add(made);
  process.emitWarning(`a ${what} was dropped without dispose(), and held its memory until now. It was made ${made}`, { type: 'ForjaWarning', code: 'forja.dropped' });
});

/** Watches `handle`; `token` is for {@link unwatch}. */
export function watch(handle: object, held: Held, token: object): void {
  registry.register(handle, held, token);
}

/** The handle of `token` was disposed of. */
export function unwatch(token: object): void {
  registry.unregister(token);
}

/** The caller of `entry`: `at f (file:line:column)`. */
export function madeHere(entry: (...args: never[]) => unknown): string {
  const made: { stack?: string } = {};
  Error.captureStackTrace(made, entry);
  return made.stack?.split('\n').find((line) => /^\s+at /.test(line))?.trim() ?? 'at an unknown place';
}
