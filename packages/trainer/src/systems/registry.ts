// All systems by name, built-in and registered by users; and making a system without a run.
import { optionsOf } from '@forja/core';
import { registry } from '../registry.js';
import type { Dataset } from '../data/dataset.js';
import * as ready from './index.js';
import type { Circumstances, FieldKind, OptionEntries, OptionsInput, SystemKind } from './kind.js';
import { systemOptions } from './options.js';
import type { GanSystem } from './system.js';

type Ready = (typeof ready)[keyof typeof ready];

type Entries<K> = K extends SystemKind<infer E> ? E : never;

/**
 * Options of each system as a user writes them, by name. Declare your own system's here, so that editors know them:
 * `declare module '@forja/trainer' { interface SystemConfigs { mine: { depth?: number } } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- an interface, so that users can add to it
export interface SystemConfigs extends ReadyConfigs {}

type ReadyConfigs = { [K in Ready as K['name']]: OptionsInput<Entries<K>> };

/** Names of the systems. */
export type SystemName = keyof SystemConfigs & string;

// The types of options are erased here; each system's schema checks them.
const all = registry<SystemKind>('system', Object.values(ready) as unknown as SystemKind[]);

/**
 * Adds a system of your own under its name.
 * @throws UsageError for a name that is empty or taken.
 */
export function registerSystem<E extends OptionEntries>(kind: SystemKind<E>): void {
  all.add(kind as unknown as SystemKind);
}

/**
 * The system called `name`.
 * @throws UsageError `config.invalid` for an unknown name.
 */
export const kindOf = (name: string): SystemKind => all.of(name);

/** Names of all systems, including registered ones. */
export const systemNames = (): string[] => all.names();

/** Names of the systems that read fields of exactly these kinds, for example pictures and labels. */
export const systemsReading = (...kinds: readonly FieldKind[]): string[] =>
  systemNames().filter((name) => Object.values(kindOf(name).data).sort().join() === [...kinds].sort().join());

/** What {@link makeSystem} takes in addition to options. */
export type SystemSurroundings = Partial<Circumstances> & {
  data: Pick<Dataset, 'name' | 'count' | 'fields' | 'parts'>;
};

/**
 * A system without a run: for your own loop, benchmarks and tests. `options` are the system's.
 * @throws UsageError `config.invalid` for options that are wrong or do not fit the data.
 */
export function makeSystem<N extends SystemName>(
  name: N,
  options: SystemConfigs[N],
  surroundings: SystemSurroundings,
): GanSystem {
  const {
    batch = 32,
    seed = 0,
    steps = 1,
    samples = 64,
    networks = {},
    data,
  } = optionsOf('makeSystem', surroundings, 'batch data networks samples seed steps');
  const kind = kindOf(name);
  const parsed = systemOptions(kind, options as Record<string, unknown>); // an object of options
  return kind.make(kind.fit?.(parsed, data) ?? parsed, { batch, seed, steps, samples, networks, data });
}
