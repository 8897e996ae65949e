// The contract of a schedule: a number for each step. It is an input of the compiled step, so that it never needs a new
// graph.

/** A number for each step, counted from 0. */
export interface Schedule {
  (step: number): number;
  /** What it remembers of the run, where its numbers depend on more than the step. */
  readonly memory?: ScheduleMemory;
}

/** The memory of a schedule that watches the run: updated at every step, saved in checkpoints. */
export interface ScheduleMemory {
  /** Its number may change after steps that are multiples of this, and only there. */
  readonly every: number;
  /** The name that it waits for; a run refuses one that none of its scalars has. */
  readonly watches?: string;
  /** Tells of a step that is done, numbered from 1: whatever is known by name, scalars of the log or measures. */
  observe(step: number, values: Readonly<Record<string, number>>): void;
  /** All of it as finite numbers. */
  save(): readonly number[];
  /** The inverse of `save`. */
  load(saved: readonly number[]): void;
}
