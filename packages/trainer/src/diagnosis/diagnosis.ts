// The contract of a diagnosis: a pure function of a run's records, configuration and options. One per file; index.ts
// lists them.
import type { MeasureLine } from '../records/store.js';
import type { FieldKind } from '../systems/kind.js';
import type { Block } from './history.js';

/** Input of a diagnosis. */
export interface Case {
  /** The log, oldest first. */
  readonly blocks: readonly Block[];
  /** Scalars of the log's first line. */
  readonly start: Readonly<Record<string, number>>;
  readonly measures: readonly MeasureLine[];
  /** The run's configuration with all defaults. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the system's options. */
  readonly options: ReadonlySet<string>;
  /**
   * Kinds of the fields that the system reads. Remedies depend on them: only pictures can be augmented, and packing is
   * not advised for data with classes.
   */
  readonly reads: ReadonlySet<FieldKind>;
  /** Number of modes of the data, if known. */
  readonly modes?: number | undefined;
}

/** A failure that a run can have. */
export interface Detector {
  /** Such as `mode-collapse`. */
  readonly name: string;
  /** A few words, for tables. */
  readonly summary: string;
  /** Diagnoses that this one can be a consequence of: it is not reported after them. */
  readonly after?: readonly string[];
  /** The problem, with numbers; undefined if it is not seen for long enough. */
  find(at: Case): string | undefined;
  /** Remedies, the best first; the first that fits is advised. */
  readonly remedies: readonly Remedy[];
}

/** A remedy. */
export interface Remedy {
  /** Its effect, printed after the flag: `lets the discriminator judge two examples together (PacGAN)`. */
  readonly does: string;
  /** What to add to the command line; undefined if it does not fit the case. */
  flag(at: Case): string | undefined;
}
