// Handles that were dropped without `dispose()`: when one is garbage-collected, its resources are freed, and a warning,
// once per place, says where it was made.

/** What is known about a handle. Must not reference the handle. */
export interface Held {
  /** What the handle is, for the warning: 'generator', 'session', 'state' or 'runtime'. */
  what: string;
  /** Where the caller made it, from {@link madeHere}. A string, because an Error's frames would keep objects alive. */
  made: string;
  /** Frees what the handle held. */
  free: () => Promise<void>;
}

/** Watches handles, and warns through the given function, once for each place where handles were made. */
export class DroppedHandles {
  readonly #warned = new Set<string>();
  readonly #registry: FinalizationRegistry<Held>;

  constructor(warn: (message: string) => void) {
    this.#registry = new FinalizationRegistry(({ what, made, free }) => {
      void free().catch(() => undefined); // there is no caller to report an error to
      if (this.#warned.has(made)) return;
      this.#warned.add(made);
      warn(`a ${what} was dropped without dispose(), and held its memory until now. It was made ${made}`);
    });
  }

  /** Watches `handle`; `token` is for {@link unwatch}. */
  watch(handle: object, held: Held, token: object): void {
    this.#registry.register(handle, held, token);
  }

  /** Call when the handle of `token` was disposed. */
  unwatch(token: object): void {
    this.#registry.unregister(token);
  }
}

/** The caller of `entry`: `at f (file:line:column)`. */
export function madeHere(entry: (...args: never[]) => unknown): string {
  // V8 only; elsewhere the stack of a new Error is used, which begins with this function and `entry`.
  const { captureStackTrace } = Error as { captureStackTrace?: (into: object, above: unknown) => void };
  const made: { stack?: string } = {};
  if (captureStackTrace) captureStackTrace(made, entry);
  const line = captureStackTrace
    ? made.stack
        ?.split('\n')
        .find((text) => /^\s+at /.test(text))
        ?.trim()
    : `at ${new Error().stack?.split('\n')[2] ?? 'an unknown place'}`;
  return line ?? 'at an unknown place';
}
