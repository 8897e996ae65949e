// Handles that are forgotten instead of disposed of: when one is collected, what it held is freed, and a process warning says once where it was made.

/** What is known of a handle. Must not refer to it. */
export interface Held {
  /** 'generator' or 'session'. */
  what: string;
  /** Made where the caller made the handle; its stack says where that was. */
  made: Error;
  /** Frees what the handle held. */
  free: () => unknown;
}

const warned = new Set<string>();

const registry = new FinalizationRegistry<Held>(({ what, made, free }) => {
  free();
  const site = callSite(made);
  if (warned.has(site)) return;
  warned.add(site);
  process.emitWarning(`a ${what} was dropped without dispose(), and held its memory until now. It was made ${site}`, { type: 'ForjaWarning', code: 'forja.dropped' });
});

/** Watches `handle`; `token` is for {@link unwatch}. */
export function watch(handle: object, held: Held, token: object): void {
  registry.register(handle, held, token);
}

/** The handle of `token` was disposed of. */
export function unwatch(token: object): void {
  registry.unregister(token);
}

/** An error whose stack begins at the caller of `entry`. */
export function madeHere(entry: (...args: never[]) => unknown): Error {
  const made = new Error('made here');
  Error.captureStackTrace(made, entry);
  return made;
}

function callSite({ stack = '' }: Error): string {
  return stack.split('\n').find((line) => /^\s+at /.test(line))?.trim() ?? 'at an unknown place';
}
