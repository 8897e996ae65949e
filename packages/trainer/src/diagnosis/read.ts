// Small questions that diagnoses ask of a case.
import { lossOf } from '../losses/index.js';
import type { Case } from './diagnosis.js';

/** A scalar in the last `count` blocks; undefined where one of them is missing, or does not have it. */
export function lastOf({ blocks }: Pick<Case, 'blocks'>, count: number, name: string): number[] | undefined {
  if (blocks.length < count) return undefined;
  const values = blocks.slice(-count).map(({ scalars }) => scalars[name]);
  return values.every((value) => value !== undefined && Number.isFinite(value)) ? (values as number[]) : undefined;
}

/** A score in the last `count` measurements; undefined where one of them is missing, or does not have it. */
export function lastScores({ measures }: Pick<Case, 'measures'>, count: number, name: string): number[] | undefined {
  const values = measures.slice(-count).map(({ scores }) => scores[name]);
  return values.length === count && values.every((value) => typeof value === 'number') // JSON has no NaN
    ? (values as number[])
    : undefined;
}

/** A scalar in all blocks that have it, oldest first. */
export function allOf({ blocks }: Pick<Case, 'blocks'>, name: string): number[] {
  return blocks.flatMap(({ scalars }) => scalars[name] ?? []);
}

/** Share that D gets right in the last blocks, 1/2 by chance; undefined for losses without right and wrong. */
export function rightOf(at: Case, count: number): number[] | undefined {
  const pairs = lastOf(at, count, 'd_right');
  if (pairs !== undefined) return pairs;
  const loss = at.config['loss'];
  const { signless, relativistic } = typeof loss === 'string' ? lossOf(loss) : {};
  if (signless === true || relativistic === true) return undefined;
  const [real, fake] = [lastOf(at, count, 'd_real'), lastOf(at, count, 'd_fake')];
  return real && fake && real.map((share, i) => (share + (fake[i] as number)) / 2); // as many
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
export const percent = (share: number): string => `${(100 * share).toFixed(share > 0.99 && share < 1 ? 1 : 0)} %`;
export const figure = (value: number): string => String(Number(value.toPrecision(2)));

/** Whether the system has an option, and the configuration leaves it at nothing: undefined, 0, 1 or an empty list. */
export function unused({ options, config }: Case, name: string): boolean {
  const value = config[name];
  const nothing = value === undefined || value === 0 || value === 1 || (Array.isArray(value) && value.length === 0);
  return options.has(name) && nothing;
}

/** Whether the system takes penalties, and has none of these. */
export function lacksPenalty({ options, config }: Case, ...names: readonly string[]): boolean {
  return options.has('penalties') && !names.some((name) => name in ((config['penalties'] ?? {}) as object));
}

/** A player's rate; undefined where the system has no such option. */
export function rateOf({ options, config }: Case, player: 'g' | 'd'): number | undefined {
  const rates = config['rates'] as Readonly<Record<string, number>> | undefined;
  return options.has('rates') ? rates?.[player] : undefined;
}

/** Whether the data are pictures, which can be augmented. */
export function augments(at: Case): boolean {
  return unused(at, 'augment') && at.reads.has('image');
}
