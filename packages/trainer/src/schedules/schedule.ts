// The contract of a schedule: a number for each step. It is an input of the compiled step, so it needs no new graph.

/** A number for each step, counted from 0. */
export interface Schedule {
  (step: number): number;
  /** State, if its numbers depend on more than the step. */
  readonly memory?: ScheduleMemory;
}

/** State of a schedule that watches the run: updated at every step, saved in checkpoints. */
export interface ScheduleMemory {
  /** Its number may change after steps that are multiples of this, and only there. */
  readonly every: number;
  /** Name of the watched scalar; a run refuses an unknown one. */
  readonly watches?: string;
  /** Called after each step, numbered from 1, with scalars of the log or measures by name. */
  observe(step: number, values: Readonly<Record<string, number>>): void;
  /** The state as finite numbers. */
  save(): readonly number[];
  /** The inverse of `save`. */
  load(saved: readonly number[]): void;
}
