// What executes models for a runtime, wherever it is: in the caller's thread, in a worker, in a process. Calls never
// overlap: the runtime's queue sees to it.
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { DeviceReport, StateBinding } from './session.js';

/** A session as its executor knows it. */
export interface SessionRecord {
  session: number;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  device: DeviceReport;
}

/** An input bound to a tensor of state that was made with `makeShared`. */
export interface SlotBinding {
  shared: number;
  tensor: string;
  /** Absent: only read. */
  output?: string;
}

/** State of a session, as plain data. */
export type ExecutorBinding = StateBinding | SlotBinding;

/** The part of a recipe that a runtime fills in. */
export interface RecipeOptions {
  state?: Record<string, ExecutorBinding>;
}

/**
 * Every operation: `[arguments, result]`. One table for both ends of a thread or process; `Recipe` is what makes a
 * session, as plain data.
 */
export interface SessionOperations<Recipe> {
  create: [Recipe, SessionRecord];
  run: [{ session: number; feeds: NamedTensors; outputs: string[] }, NamedTensors];
  readState: [{ session: number; names: string[] | undefined }, NamedTensors];
  writeState: [{ session: number; values: NamedTensors }, null];
  release: [{ session: number }, null];
  /** Room for tensors that sessions share; without values, until they are written. */
  makeShared: [{ tensors: TensorSpec[] }, { shared: number }];
  readShared: [{ shared: number; names: string[] }, NamedTensors];
  writeShared: [{ shared: number; values: NamedTensors }, null];
  freeShared: [{ shared: number }, null];
  close: [Record<string, never>, null];
}

/** Name of an operation. */
export type SessionOperation = keyof SessionOperations<unknown>;

/** Operations whose result is tensors made for the caller: their memory may move to another thread. */
export const GIVES_TENSORS: ReadonlySet<string> = new Set<SessionOperation>(['run', 'readState', 'readShared']);

/** Something that executes {@link SessionOperations}. */
export interface SessionExecutor<Recipe> {
  /**
   * With `give`, the buffers of the tensors in `args` become the executor's and are empty afterwards; without, the
   * caller may use them again after the call.
   */
  call<K extends SessionOperation>(
    op: K,
    args: SessionOperations<Recipe>[K][0],
    give?: boolean,
  ): Promise<SessionOperations<Recipe>[K][1]>;
  /** Gives up on it, without waiting: it is `dead` at once, and ended as soon as that is safe. */
  kill(why: Error): void;
  /** Why it can take no more calls; undefined while it can. */
  readonly dead: Error | undefined;
}
