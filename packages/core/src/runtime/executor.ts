// The interface of an executor, which runs models for a runtime: in the caller's thread, a worker or a process. The
// runtime's queue ensures that calls never overlap.
import type { NamedTensors, TensorSpec } from '../tensor.js';
import type { DeviceReport, StateBinding } from './session.js';

/** The executor's description of a session. */
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
  /** The output that becomes its next value. Absent: the session only reads the tensor. */
  output?: string;
}

/** One state binding of a session, as plain data. */
export type ExecutorBinding = StateBinding | SlotBinding;

/** The part of a recipe that a runtime fills in. */
export interface RecipeOptions {
  state?: Record<string, ExecutorBinding>;
}

/**
 * Every operation as `[arguments, result]`: the protocol between both ends of a thread or process. `Recipe` is the
 * plain data from which a session is made.
 */
export interface SessionOperations<Recipe> {
  create: [Recipe, SessionRecord];
  run: [{ session: number; feeds: NamedTensors; outputs: string[] }, NamedTensors];
  readState: [{ session: number; names: string[] | undefined }, NamedTensors];
  writeState: [{ session: number; values: NamedTensors }, null];
  release: [{ session: number }, null];
  /** Allocates tensors that sessions share; they have no values until written. */
  makeShared: [{ tensors: TensorSpec[] }, { shared: number }];
  readShared: [{ shared: number; names: string[] }, NamedTensors];
  writeShared: [{ shared: number; values: NamedTensors }, null];
  freeShared: [{ shared: number }, null];
  close: [Record<string, never>, null];
}

/** Name of an operation. */
export type SessionOperation = keyof SessionOperations<unknown>;

/** Operations that return new tensors, whose memory may be transferred to another thread. */
export const GIVES_TENSORS: ReadonlySet<string> = new Set<SessionOperation>(['run', 'readState', 'readShared']);

/** Something that executes {@link SessionOperations}. */
export interface SessionExecutor<Recipe> {
  /**
   * With `give`, the buffers of the tensors in `args` are transferred and empty afterwards; without it, the caller may
   * reuse them after the call.
   */
  call<K extends SessionOperation>(
    op: K,
    args: SessionOperations<Recipe>[K][0],
    give?: boolean,
  ): Promise<SessionOperations<Recipe>[K][1]>;
  /** Abandons it without waiting: it is `dead` immediately, and terminated as soon as that is safe. */
  kill(why: Error): void;
  /** Why it accepts no more calls; undefined while it does. */
  readonly dead: Error | undefined;
}
