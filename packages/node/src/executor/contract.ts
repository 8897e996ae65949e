// What executes models for a runtime: in this thread, in a worker thread or in a child process. Calls never overlap:
// the runtime's queue sees to it.
import type {
  DeviceName,
  ErrorRecord,
  Precision,
  RecipeOptions,
  SessionExecutor,
  SessionOperation,
  SessionOperations,
} from '@forja/core';

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
export interface ExecutorSessionOptions extends RecipeOptions {
  threads?: number;
  strict?: boolean;
  external?: Map<string, Uint8Array>;
  spinning?: boolean;
  lowering?: 'auto' | 'portable';
  precision?: Precision;
}

/** What makes a session, and makes it again. */
export interface Recipe {
  model: Uint8Array;
  options: ExecutorSessionOptions;
}

/** Every operation: `[arguments, result]`. */
export type Operations = SessionOperations<Recipe>;

/** Name of an operation. */
export type Operation = SessionOperation;

/** Runtime to executor. */
export type Request = { [K in Operation]: { id: number; op: K; args: Operations[K][0] } }[Operation];

/** Executor to runtime. */
export type Reply = { id: number; result: unknown } | { id: number; error: ErrorRecord };

/** Something that executes {@link Operations}. */
export type Executor = SessionExecutor<Recipe>;
