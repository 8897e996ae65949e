// Handles that are forgotten instead of disposed of: when one is collected, what it held is freed, and a warning says
// once where it was made.

/** What is known of a handle. Must not refer to it. */
export interface Held {
  /** 'generator' or 'session'. */
  what: string;
  /**
   * Where the caller made it, as {@link madeHere} says. Text: the frames of an Error would keep what they were called
   * on.
   */
  made: string;
  /** Frees what the handle held. */
  free: () => Promise<void>;
}

/** Watches handles, and warns by the function given, once a place. */
export class DroppedHandles {
  readonly #warned = new Set<string>();
  readonly #registry: FinalizationRegistry<Held>;

  constructor(warn: (message: string) => void) {
    this.#registry = new FinalizationRegistry(({ what, made, free }) => {
      void free().catch(() => undefined); // nobody is left to be told
      if (this.#warned.has(made)) return;
      this.#warned.add(made);
      warn(`a ${what} was dropped without dispose(), and held its memory until now. It was made ${made}`);
    });
  }

  /** Watches `handle`; `token` is for {@link unwatch}. */
  watch(handle: object, held: Held, token: object): void {
    this.#registry.register(handle, held, token);
  }

  /** The handle of `token` was disposed of. */
  unwatch(token: object): void {
    this.#registry.unregister(token);
  }
}

/** The caller of `entry`: `at f (file:line:column)`. */
export function madeHere(entry: (...args: never[]) => unknown): string {
  // V8's; elsewhere the stack is read from an error thrown nowhere, and begins with this function and `entry`.
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
