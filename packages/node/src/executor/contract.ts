// The types of Node's executors (this thread, a worker thread or a child process) and of the messages to them. The
// runtime's queue ensures that calls never overlap.
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

/** Options with which an executor is started, before its first session. Plain data. */
export interface ExecutorOptions {
  device: DeviceName;
  threads: number;
  executor: ExecutorName;
  /** An executor whose call takes longer is considered hung. Infinity: never. */
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

/** The data from which a session is created, and recreated after its executor was replaced. */
export interface Recipe {
  model: Uint8Array;
  options: ExecutorSessionOptions;
}

/** Every operation: `[arguments, result]`. */
export type Operations = SessionOperations<Recipe>;

/** Name of an operation. */
export type Operation = SessionOperation;

/** A message from the runtime to the executor. */
export type Request = { [K in Operation]: { id: number; op: K; args: Operations[K][0] } }[Operation];

/** A message from the executor to the runtime. */
export type Reply = { id: number; result: unknown } | { id: number; error: ErrorRecord };

/** Something that executes {@link Operations}. */
export type Executor = SessionExecutor<Recipe>;
