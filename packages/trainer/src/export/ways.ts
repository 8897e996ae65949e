// Other ways to draw unrestricted inputs, for functions that usual draws do not exercise: the logarithm of a negative
// number is NaN, and a threshold that is never crossed always gives the same result.
import type { Domain } from './domain.js';

/** One way to draw. */
export interface Way {
  /** Name in reports. */
  name: string;
  /** Maps a number of the usual distribution to the one to use. */
  of: (value: number, domain: Domain) => number;
  /** If set, pictures are painted at every seed, in this range. */
  pictures?: readonly [number, number];
}

const itself = (value: number): number => value;

/** Near one of the values at which the function changes behaviour (its turns), on both sides of it. */
function near(value: number, { near: turns }: Domain): number {
  const turn = turns[Math.floor(Math.abs(value) * 1000) % Math.max(1, turns.length)];
  return turn === undefined ? value : turn + 0.1 * Math.max(1, Math.abs(turn)) * value;
}

const TURNS: Way = { name: 'values near those where the function changes', of: near };

/** Least and greatest magnitude of values that usual draws do not reach but that float32 still resolves. */
const FAR = [4, 1e6] as const;

/**
 * The way that draws near values at which the function changes behaviour, if usual draws do not reach some of these.
 */
export function turnsFarAway(domains: readonly (Domain | undefined)[]): Draws | undefined {
  const [least, most] = FAR;
  const far = domains.some((domain) => domain?.near.some((turn) => Math.abs(turn) > least && Math.abs(turn) < most));
  return far ? { name: TURNS.name, of: () => TURNS } : undefined;
}

/** The way that draws on both sides of a magnitude at which the file changes behaviour. */
export function reaching(magnitude: number): Draws {
  const way: Way = { name: `values up to and beyond ±${magnitude}`, of: (value) => 2 * magnitude * value };
  return { name: way.name, of: () => way };
}

const LARGER: Way = { name: 'larger positive values', of: (value) => 1 + 30 * Math.abs(value) };

/** Ways that apply to every input at once. */
const WAYS: readonly Way[] = [
  TURNS,
  { name: 'positive values', of: Math.abs },
  { name: 'zeros and ones', of: (value) => (value > 0 ? 1 : 0) },
  { name: 'whole numbers', of: (value) => Math.round(3 * Math.abs(value)) },
  { name: 'larger values', of: (value) => 30 * value },
  LARGER,
  { name: 'negative values', of: (value) => -Math.abs(value) },
  { name: 'smaller values', of: (value) => 0.01 * value },
  { name: 'smaller positive values', of: (value) => 0.01 * Math.abs(value) },
  { name: 'much larger values', of: (value) => 1000 * value },
];

const PICTURES: readonly Way[] = [
  { name: 'pictures of bytes', of: itself, pictures: [0, 255] },
  { name: 'pictures in [0, 1]', of: itself, pictures: [0, 1] },
];

/** If there are several inputs, each of the first few is made the larger one in turn. */
const SEVERAL = 4;

/** A combination to try: the way of each input by name; undefined: the usual distribution. */
export interface Draws {
  name: string;
  of: (input: string) => Way | undefined;
}

/**
 * The combinations to try, in order. `free`: names of the inputs that may be drawn in other ways; `pictures`: whether
 * one of the inputs is a picture.
 */
export function waysFor(free: readonly string[], pictures: boolean): Draws[] {
  const all = [...(pictures ? PICTURES : []), ...(free.length === 0 ? [] : WAYS)];
  return [
    ...all.map((way): Draws => ({ name: way.name, of: () => way })),
    ...(free.length < 2
      ? []
      : free.slice(0, SEVERAL).map((one): Draws => ({
          name: `${LARGER.name} of ${one}`,
          of: (input) => (input === one ? LARGER : undefined),
        }))),
  ];
}
