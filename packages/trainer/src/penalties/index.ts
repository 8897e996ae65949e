// The penalties on the discriminator by name, built-in and registered by users.
import { describeValue, UsageError } from '@forja/core';
import { registry } from '../registry.js';
import { consistency } from './consistency.js';
import { dragan } from './dragan.js';
import { gradientPenalty, type GradientPenaltyOptions } from './gradient-penalty.js';
import type { Penalty } from './penalty.js';
import { r1 } from './r1.js';
import { r2 } from './r2.js';
import { zeroCentred } from './zero-centred.js';

export { consistency } from './consistency.js';
export { dragan, type DraganOptions } from './dragan.js';
export { gradientPenalty, type GradientPenaltyOptions } from './gradient-penalty.js';
export { kernelsOf, orthogonality, type Kernel } from './orthogonal.js';
export { pathLength, type PathLength, type PathLengthOf, type PathLengthOptions } from './path-length.js';
export type { Penalty, PenaltyOf } from './penalty.js';
export { r1 } from './r1.js';
export { r2 } from './r2.js';
export { clipUpdates, clipWeights } from './weight-clipping.js';
export { zeroCentred } from './zero-centred.js';

/**
 * Parameters of penalties in configurations; each penalty reads its own. Add those of a new penalty here
 * (`GradientPenaltyOptions & MyOptions`), and to the schema in ../systems/two-player/options.ts.
 */
export type PenaltyOptions = GradientPenaltyOptions;

/** A penalty by name: `make` makes it, by default with the parameters of its paper. */
export interface PenaltyKind {
  readonly name: string;
  make(options?: PenaltyOptions): Penalty;
}

/** Names of the built-in penalties. */
export type PenaltyName = 'gradient-penalty' | 'dragan' | 'r1' | 'r2' | 'zero-centred' | 'consistency';

/** The built-in penalties, by name. Called without options, they have the parameters of their papers. */
export const penalties: Readonly<Record<PenaltyName, (options?: PenaltyOptions) => Penalty>> = {
  'gradient-penalty': gradientPenalty,
  dragan,
  r1,
  r2,
  'zero-centred': zeroCentred,
  consistency,
};

const all = registry<PenaltyKind>(
  'penalty',
  Object.entries(penalties).map(([name, make]) => ({ name, make })),
  { make: 'function' },
);

/**
 * Adds a penalty of your own under its name.
 * @throws UsageError for a name that is empty or taken.
 */
export const registerPenalty = (kind: PenaltyKind): void => all.add(kind);

/**
 * The penalty called `name`.
 * @throws UsageError `config.invalid` for an unknown name, and if a user's `make` returns something else.
 */
export function penaltyOf(name: string, options: PenaltyOptions = {}): Penalty {
  const made = all.of(name).make(options) as Partial<Penalty> | undefined; // users may return anything
  if (typeof made?.of !== 'function')
    throw new UsageError(
      `penalty '${name}': expected make() to return { name, of }, got ${describeValue(made)}; of returns the penalty`,
      { code: 'config.invalid' },
    );
  return made as Penalty;
}

/** Names of all penalties, including registered ones. */
export const penaltyNames = (): string[] => all.names();
