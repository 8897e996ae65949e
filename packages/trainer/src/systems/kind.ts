// How a system is made from a configuration: CONTRACT of a system's folder, and of users' own systems. The schema is
// the only place where a system's options are named; flags, help and docs are derived from it.
import type * as tf from '@tensorflow/tfjs';
import type * as v from 'valibot';
import type { Dataset, FieldSpec } from '../data/dataset.js';
import type { GanSystem } from './system.js';

/** What kind of values a field of the data holds. */
export type FieldKind = 'image' | 'vector' | 'label' | 'text';

/** Fields that a system reads. */
export type FieldNeeds = Readonly<Record<string, FieldKind>>;

/** What a system knows of the data. */
export type DatasetInfo = Pick<Dataset, 'name' | 'count' | 'fields' | 'parts' | 'holdout'>;

/** What a run gives a system in addition to the system's own options. */
export interface Circumstances {
  readonly batch: number;
  /** Seed of the initial weights. */
  readonly seed: number;
  /** Iterations of the run, for schedules that end with it. */
  readonly steps: number;
  /** Number of examples in a grid. */
  readonly samples: number;
  readonly data: DatasetInfo;
  /** The user's own networks, by role; a system builds the others. */
  readonly networks: Readonly<Record<string, tf.LayersModel>>;
}

/** Options as schema entries. */
export type OptionEntries = v.ObjectEntries;

/** Options of a system as a user writes them. */
export type OptionsInput<E extends OptionEntries> = v.InferInput<v.ObjectSchema<E, undefined>>;

/** Options of a system, parsed. */
export type OptionsOf<E extends OptionEntries> = v.InferOutput<v.ObjectSchema<E, undefined>>;

type Earlier = Readonly<Record<string, unknown>>;

/** A kind of GAN: `forja train <name>`. */
export interface SystemKind<E extends OptionEntries = OptionEntries, N extends string = string> {
  readonly name: N;
  /** A few words, for lists. */
  readonly summary: string;
  /**
   * The system's own fields of a configuration, as valibot entries: `v.optional(schema, default)`, with
   * `v.description('…')` for help. Names of a run's own fields are refused.
   */
  readonly options: E;
  /** This system's defaults of the run's fields; they override the general ones. */
  readonly defaults?: { readonly steps?: number; readonly batch?: number; readonly sampleCount?: number };
  /**
   * Values that reproduce the behaviour from before an option existed, or a function that gives them for the recorded
   * configuration; used to resume runs of earlier releases.
   */
  readonly earlier?: Earlier | ((recorded: Earlier) => Earlier);
  /** Smallest batch size that works. Default 2, because batch norm needs two examples. */
  readonly leastBatch?: number;
  /** Fields of the data that the phases read, by name. */
  readonly data: FieldNeeds;
  /** Roles for which a user may provide a network. */
  readonly roles: readonly string[];
  /**
   * Refuses options that do not fit the data, and fills in options that follow from it.
   * @throws UsageError `config.invalid`.
   */
  fit?(options: OptionsOf<E>, data: DatasetInfo): OptionsOf<E>;
  /** Whether it takes pictures as they are, and declares [-1, 1] in its files: then data in [0, 1] is refused. */
  readonly signed?: boolean;
  make(options: OptionsOf<E>, at: Circumstances): GanSystem;
}

/** A {@link SystemKind} with the types of its options inferred. */
export function systemKind<E extends OptionEntries, const N extends string>(kind: SystemKind<E, N>): SystemKind<E, N> {
  return kind;
}

/** For each kind: its name in messages, and whether a field is of this kind. */
export const FIELD_KINDS: Readonly<Record<FieldKind, { words: string; fits: (field: FieldSpec) => boolean }>> = {
  image: {
    words: 'pictures [height, width, channels]',
    fits: ({ shape, dtype }) => shape.length === 3 && dtype === 'float32',
  },
  vector: { words: 'vectors [size]', fits: ({ shape, dtype }) => shape.length === 1 && dtype === 'float32' },
  label: { words: 'class labels', fits: ({ shape, dtype }) => shape.length === 0 && dtype === 'int32' },
  text: { words: 'token ids [length]', fits: ({ shape, dtype }) => shape.length === 1 && dtype === 'int32' },
};
