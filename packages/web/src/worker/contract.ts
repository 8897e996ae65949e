// What the files of this folder share: handlers of operations, and cached downloads. CONTRACT.
import type { Operation, Operations, Progress } from '../protocol.js';

/** Context of a handler, in addition to its arguments. */
export interface CallContext {
  signal: AbortSignal;
  /** For `create`, it may also be called after the result, until the session is released. */
  progress(progress: Progress): void;
}

/** One handler for each operation. */
export type Handlers = {
  readonly [K in Operation]: (args: Operations[K][0], context: CallContext) => Promise<Operations[K][1]>;
};

/** A cached download with its ETag. */
export interface Kept {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string | null;
  lastModified: string | null;
}

/** The entry of one address. */
export interface Store {
  recall(): Promise<Kept | undefined>;
  keep(download: Kept): Promise<void>;
}
