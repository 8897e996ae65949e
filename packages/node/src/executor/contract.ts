// What executes models for a runtime: in this thread, in a worker thread or in a child process. Calls never overlap: the runtime's queue sees to it.
import type { DeviceName, DeviceReport, ErrorRecord, NamedTensors, StateBinding, TensorSpec } from '@forja/core';

/** Where models are executed. */
export type ExecutorName = 'worker' | 'inline' | 'process';

/** What an executor must know before its first session. Plain data. */
export interface ExecutorOptions {
  device: DeviceName;
  threads: number;
  executor: ExecutorName;
  /** A call that takes longer means that the executor hangs. Infinity: never. */
  timeoutMs: number;
}

/** `SessionOptions`, as plain data. */
export interface ExecutorSessionOptions {
  threads?: number;
  strict?: boolean;
  external?: Map<string, Uint8Array>;
  state?: Record<string, StateBinding>;
  spinning?: boolean;
  lowering?: 'auto' | 'portable';
}

/** A session as its executor knows it. */
export interface SessionRecord {
  session: number;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  device: DeviceReport;
}

/** Every operation: `[arguments, result]`. One table for both ends of a thread or process. */
export interface Operations {
  create: [{ model: Uint8Array; options: ExecutorSessionOptions }, SessionRecord];
  run: [{ session: number; feeds: NamedTensors; outputs: string[] }, NamedTensors];
  readState: [{ session: number; names: string[] | undefined }, NamedTensors];
  writeState: [{ session: number; values: NamedTensors }, null];
  release: [{ session: number }, null];
  close: [Record<string, never>, null];
}

/** Name of an operation. */
export type Operation = keyof Operations;

/** Runtime to executor. */
export type Request = { [K in Operation]: { id: number; op: K; args: Operations[K][0] } }[Operation];

/** Executor to runtime. */
export type Reply = { id: number; result: unknown } | { id: number; error: ErrorRecord };

/** Something that executes {@link Operations}. */
export interface Executor {
  /** With `give`, the buffers of the tensors in `args` become the executor's and are empty afterwards; without, the caller may use them again after the call. */
  call<K extends Operation>(op: K, args: Operations[K][0], give?: boolean): Promise<Operations[K][1]>;
  /** Gives up on it, without waiting: it is `dead` at once, and ended as soon as that is safe. */
  kill(why: Error): void;
  /** Why it can take no more calls; undefined while it can. */
  readonly dead: Error | undefined;
}
