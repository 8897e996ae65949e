// Failures of training, found in a run's records. Causes are checked before their consequences.
import type { Diagnosis } from '../records/store.js';
import { deadGenerator } from './dead-generator.js';
import type { Case, Detector } from './diagnosis.js';
import { explodingGradients } from './exploding-gradients.js';
import { memorising } from './memorising.js';
import { modeCollapse } from './mode-collapse.js';
import { overfittingDiscriminator } from './overfitting-discriminator.js';
import { overwhelmingDiscriminator } from './overwhelming-discriminator.js';
import { vanishingGradients } from './vanishing-gradients.js';
import { weakDiscriminator } from './weak-discriminator.js';

export type { Case, Detector, Remedy } from './diagnosis.js';
export { blockLength, History, type Block } from './history.js';

/** All diagnoses. */
export const detectors: readonly Detector[] = [
  deadGenerator,
  explodingGradients,
  memorising,
  modeCollapse,
  vanishingGradients,
  overfittingDiscriminator,
  overwhelmingDiscriminator,
  weakDiscriminator,
];

/** The first problem that is not in `reported` and is not a consequence of one that is. */
export function diagnose(at: Case, step: number, reported: ReadonlySet<string>): Diagnosis | undefined {
  for (const { name, after = [], find, remedies } of detectors) {
    if (reported.has(name) || after.some((cause) => reported.has(cause))) continue;
    const message = find(at);
    if (message === undefined) continue;
    for (const { flag, does } of remedies) {
      const text = flag(at);
      if (text !== undefined) return { step, name, message, advice: `try ${text}: it ${does}`, flag: text };
    }
    return { step, name, message, advice: `look for something that ${remedies.at(-1)?.does ?? ''}`, flag: '' };
  }
  return undefined;
}
