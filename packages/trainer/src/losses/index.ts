// The adversarial losses by name, built-in and registered by users.
import { registry } from '../registry.js';
import { hinge } from './hinge.js';
import { leastSquares } from './least-squares.js';
import type { GanLoss } from './loss.js';
import { nonSaturating } from './non-saturating.js';
import { relativisticAverage } from './relativistic-average.js';
import { rpgan } from './rpgan.js';
import { saturating } from './saturating.js';
import { wasserstein } from './wasserstein.js';

export { classification } from './classification.js';
export { featureMatching } from './feature-matching.js';
export type { GanLoss, Verdict } from './loss.js';
export { charbonnier, l1, l2, type Reconstruction } from './reconstruction.js';
export { smoothed, type Smoothing } from './smoothing.js';

/** Names of the built-in losses. */
export type LossName =
  'non-saturating' | 'saturating' | 'least-squares' | 'hinge' | 'wasserstein' | 'relativistic-average' | 'rpgan';

/** The built-in losses, by name. */
export const losses: Readonly<Record<LossName, GanLoss>> = {
  'non-saturating': nonSaturating,
  saturating,
  'least-squares': leastSquares,
  hinge,
  wasserstein,
  'relativistic-average': relativisticAverage,
  rpgan,
};

const all = registry<GanLoss>('loss', Object.values(losses), { discriminator: 'function', generator: 'function' });

/**
 * Adds a loss of your own under its name.
 * @throws UsageError for a name that is empty or taken.
 */
export const registerLoss = (loss: GanLoss): void => all.add(loss);

/**
 * The loss called `name`.
 * @throws UsageError `config.invalid` for an unknown name.
 */
export const lossOf = (name: string): GanLoss => all.of(name);

/** Names of all losses, including registered ones. */
export const lossNames = (): string[] => all.names();
