// The few web standards core needs, declared structurally so that it compiles without DOM or Node types.

/** The part of the standard AbortSignal that Forja uses. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

interface PlatformGlobals {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  performance: { now(): number };
  queueMicrotask(callback: () => void): void;
  TextEncoder: new () => { encode(text: string): Uint8Array };
  TextDecoder: new (
    label?: string,
    options?: { fatal?: boolean; ignoreBOM?: boolean },
  ) => { decode(bytes: Uint8Array): string };
}

/** Globals of every supported platform. Read lazily: importing this file has no effects. */
export function platform(): PlatformGlobals {
  return globalThis as unknown as PlatformGlobals;
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new (platform().TextEncoder)().encode(text);
}

/** Text of UTF-8 bytes; throws on malformed input. */
export function fromUtf8(bytes: Uint8Array): string {
  return new (platform().TextDecoder)('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
