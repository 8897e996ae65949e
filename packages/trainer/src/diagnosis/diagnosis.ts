// The contract of a diagnosis: a pure function of what a run has recorded, its configuration and its options. One a
// file; index.ts is the table.
import type { MeasureLine } from '../records/store.js';
import type { FieldKind } from '../systems/kind.js';
import type { Block } from './history.js';

/** What a diagnosis looks at. */
export interface Case {
  /** The log, oldest first. */
  readonly blocks: readonly Block[];
  /** Scalars of its first line. */
  readonly start: Readonly<Record<string, number>>;
  readonly measures: readonly MeasureLine[];
  /** The run's configuration with all defaults. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the options that the system has. */
  readonly options: ReadonlySet<string>;
  /** Kinds of the fields that the system reads: pictures can be augmented, classes are not packed. */
  readonly reads: ReadonlySet<FieldKind>;
  /** Modes that the data is known to have. */
  readonly modes?: number | undefined;
}

/** Something that can go wrong in a run. */
export interface Detector {
  /** `mode-collapse`. */
  readonly name: string;
  /** A few words, for tables. */
  readonly summary: string;
  /** Diagnoses of which this one is a consequence: it is not told after them. */
  readonly after?: readonly string[];
  /** What goes wrong, with figures; undefined where nothing shows it for long enough. */
  find(at: Case): string | undefined;
  /** What helps, the best first: the first that fits is told. */
  readonly remedies: readonly Remedy[];
}

/** A way out. */
export interface Remedy {
  /** What it does, after the flag: `lets the discriminator judge two examples together (PacGAN)`. */
  readonly does: string;
  /** As it is added to the command line; undefined where it does not fit the case. */
  flag(at: Case): string | undefined;
}
