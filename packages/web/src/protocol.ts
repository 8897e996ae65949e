// What crosses between the page and the worker: one table of operations, their arguments and results. Plain data only.
import type { DeviceReport, ErrorRecord, Manifest, NamedTensors, TensorSpec } from '@forja/core';

/** Where a model comes from, in a form that can be posted. */
export type PostedSource = { url: string } | { blob: Blob } | { bytes: Uint8Array };

/** A model: its bytes, or the number of one that the worker holds after `fetch`. */
export type PostedModel = { bytes: Uint8Array } | { held: number };

/** State bindings and the rest of `SessionOptions`, in a form that can be posted. */
export interface PostedSessionOptions {
  threads?: number;
  strict?: boolean;
  external?: Map<string, Uint8Array>;
  state?: Record<string, { output: string; initial: NamedTensors[string] }>;
}

/** What the worker says of a session it made. */
export interface SessionRecord {
  session: number;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  device: DeviceReport;
}

/** Bytes received so far; `total` only where the server says it and nothing is compressed on the way. */
export interface LoadProgress {
  phase: 'download';
  loaded: number;
  total?: number;
}

/** Every operation: `[arguments, result]`. */
export interface Operations {
  open: [{ device: DeviceReport['requested']; threads: number | undefined }, DeviceReport];
  fetch: [{ source: PostedSource; integrity: 'error' | 'warn' | 'off'; precision: 'auto' | 'fp32' | 'fp16' }, { held: number; bytes: number; warnings: string[] }];
  create: [{ model: PostedModel; options: PostedSessionOptions }, SessionRecord];
  /** What a session's model is: by its own manifest if it was held, else by a guess; `given` above both. */
  identify: [{ session: number; given: Partial<Manifest> | undefined }, Manifest];
  run: [{ session: number; feeds: NamedTensors; outputs: string[] }, NamedTensors];
  readState: [{ session: number; names: string[] | undefined }, NamedTensors];
  writeState: [{ session: number; values: NamedTensors }, null];
  release: [{ session: number }, null];
  close: [Record<string, never>, null];
}

/** Name of an operation. */
export type Operation = keyof Operations;

/** Page to worker. `abort` names the call to drop if it has not begun. */
export type Request = { [K in Operation]: { id: number; op: K; args: Operations[K][0] } }[Operation] | { abort: number };

/** Worker to page. */
export type Reply = { id: number; result: unknown } | { id: number; error: ErrorRecord } | { id: number; progress: LoadProgress };
