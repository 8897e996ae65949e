// `await using` for what holds a worker or native memory.

declare global {
  // As TypeScript's esnext.disposable and Node's types declare them: for those who have neither.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}

/** What is disposed of: by `dispose()`, or at the end of the block that it is declared in with `await using`. */
export interface AsyncHandle {
  dispose(): Promise<void>;
  /** For `await using`. Missing in engines without the symbol, which do not know that declaration either. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Gives a handle its method for `await using`. Not a method by name: where the symbol is missing, its name would be
 * 'undefined'.
 */
export function disposable<T extends { dispose(): Promise<void> }>(handle: T): T & AsyncHandle {
  const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol };
  if (asyncDispose) Object.defineProperty(handle, asyncDispose, { value: () => handle.dispose() });
  return handle as T & AsyncHandle; // just given
}
