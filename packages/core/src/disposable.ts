// `await using` for objects that hold a worker or native memory.

declare global {
  // Declared as in TypeScript's esnext.disposable and Node's types, for compilations that have neither.
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

/** An object with `dispose()`, which `await using` calls at the end of the block. */
export interface AsyncHandle {
  dispose(): Promise<void>;
  /** For `await using`. Missing in engines that lack the symbol (and `await using`). */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Adds the method for `await using` to a handle. It is not declared as a class method, because in engines without the
 * symbol its name would be 'undefined'.
 */
export function disposable<T extends { dispose(): Promise<void> }>(handle: T): T & AsyncHandle {
  const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol };
  if (asyncDispose) Object.defineProperty(handle, asyncDispose, { value: () => handle.dispose() });
  return handle as T & AsyncHandle; // added above
}
