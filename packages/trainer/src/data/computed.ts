// Data that is computed from its options, without files or packages, so that `train` can use it in a page too. Every
// other kind has a row in ../node/load-data.ts, which does not compile if one is missing.
import type { ResolvedDataConfig } from './config.js';
import type { Dataset } from './dataset.js';
import { syntheticDataset } from './synthetic.js';

type Kind = ResolvedDataConfig['kind'];

/** Makes the data of a kind. */
type Maker<K extends Kind> = (config: Extract<ResolvedDataConfig, { kind: K }>) => Dataset;

const makers = {
  synthetic: ({ kind: _, ...options }) => syntheticDataset(options),
} satisfies { [K in Kind]?: Maker<K> };

/** A configuration of data that is computed. */
export type ComputedConfig = Extract<ResolvedDataConfig, { kind: keyof typeof makers }>;

/** A configuration of data that is read from files or packages. */
export type ReadConfig = Exclude<ResolvedDataConfig, ComputedConfig>;

/** Whether data is computed from its options alone. */
export function isComputed(config: ResolvedDataConfig): config is ComputedConfig {
  return Object.hasOwn(makers, config.kind);
}

/** The data that a configuration describes. */
export function computedDataset(config: ComputedConfig): Dataset {
  return (makers[config.kind] as Maker<Kind>)(config); // the maker of this configuration's kind
}
