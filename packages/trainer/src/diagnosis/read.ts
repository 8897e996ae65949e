// Helpers of diagnoses to read a case.
import { lossOf } from '../losses/index.js';
import type { Case } from './diagnosis.js';

/** A scalar in the last `count` blocks; undefined if it is missing in one. */
export function lastOf({ blocks }: Pick<Case, 'blocks'>, count: number, name: string): number[] | undefined {
  if (blocks.length < count) return undefined;
  const values = blocks.slice(-count).map(({ scalars }) => scalars[name]);
  return values.every((value) => value !== undefined && Number.isFinite(value)) ? (values as number[]) : undefined;
}

/** A score in the last `count` measurements; undefined if it is missing in one. */
export function lastScores({ measures }: Pick<Case, 'measures'>, count: number, name: string): number[] | undefined {
  const values = measures.slice(-count).map(({ scores }) => scores[name]);
  return values.length === count && values.every((value) => typeof value === 'number') // NaN is null in JSON
    ? (values as number[])
    : undefined;
}

/** A scalar in all blocks that have it, oldest first. */
export function allOf({ blocks }: Pick<Case, 'blocks'>, name: string): number[] {
  return blocks.flatMap(({ scalars }) => scalars[name] ?? []);
}

/** D's accuracy in the last blocks, ½ by chance; undefined for losses whose logits have no meaningful sign. */
export function rightOf(at: Case, count: number): number[] | undefined {
  const pairs = lastOf(at, count, 'd_right');
  if (pairs !== undefined) return pairs;
  const loss = at.config['loss'];
  const { signless, relativistic } = typeof loss === 'string' ? lossOf(loss) : {};
  if (signless === true || relativistic === true) return undefined;
  const [real, fake] = [lastOf(at, count, 'd_real'), lastOf(at, count, 'd_fake')];
  return real && fake && real.map((share, i) => (share + (fake[i] as number)) / 2); // of equal length
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
export const percent = (share: number): string => `${(100 * share).toFixed(share > 0.99 && share < 1 ? 1 : 0)} %`;
export const figure = (value: number): string => String(Number(value.toPrecision(2)));

/** True if the system has an option that the configuration does not use: undefined, 0, 1 or an empty list. */
export function unused({ options, config }: Case, name: string): boolean {
  const value = config[name];
  const nothing = value === undefined || value === 0 || value === 1 || (Array.isArray(value) && value.length === 0);
  return options.has(name) && nothing;
}

/** True if the system takes penalties, and none of these is configured. */
export function lacksPenalty({ options, config }: Case, ...names: readonly string[]): boolean {
  return options.has('penalties') && !names.some((name) => name in ((config['penalties'] ?? {}) as object));
}

/** A player's rate; undefined if the system has no such option. */
export function rateOf({ options, config }: Case, player: 'g' | 'd'): number | undefined {
  const rates = config['rates'] as Readonly<Record<string, number>> | undefined;
  return options.has('rates') ? rates?.[player] : undefined;
}

/** True if the data are pictures, which can be augmented. */
export function augments(at: Case): boolean {
  return unused(at, 'augment') && at.reads.has('image');
}
