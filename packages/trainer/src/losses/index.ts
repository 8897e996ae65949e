// The adversarial losses by name.
import { UsageError } from '@forja/core';
import type { GanLoss } from './loss.js';
import { nonSaturating } from './non-saturating.js';
import { saturating } from './saturating.js';

export type { GanLoss } from './loss.js';

/** Names of the losses. */
export type LossName = 'non-saturating' | 'saturating';

/** Every adversarial loss, by name. */
export const losses: Readonly<Record<LossName, GanLoss>> = { 'non-saturating': nonSaturating, saturating };

/**
 * The loss called `name`.
 * @throws UsageError `config.invalid` for a name that is none.
 */
export function lossOf(name: LossName): GanLoss {
  if (!Object.hasOwn(losses, name))
    throw new UsageError(`loss: expected one of ${Object.keys(losses).join(', ')}, got '${String(name)}'`, {
      code: 'config.invalid',
    });
  return losses[name];
}
