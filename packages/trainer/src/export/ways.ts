// Other ways to draw inputs of which nothing is known, for functions that natural draws tell nothing of: a logarithm of
// negative numbers is no number, a threshold that is never passed always gives the same.
import type { Domain } from './domain.js';

/** One way. */
export interface Way {
  /** In reports. */
  name: string;
  /** What is drawn in place of a naturally drawn number. */
  of: (value: number, domain: Domain) => number;
  /** Where pictures are drawn as pictures, at every seed: from what to what. */
  pictures?: readonly [number, number];
}

const itself = (value: number): number => value;

/** About one of the values at which the function turns, at both sides of it. */
function near(value: number, { near: turns }: Domain): number {
  const turn = turns[Math.floor(Math.abs(value) * 1000) % Math.max(1, turns.length)];
  return turn === undefined ? value : turn + 0.1 * Math.max(1, Math.abs(turn)) * value;
}

const TURNS: Way = { name: 'near turns', of: near };

/** Beyond the reach of natural draws, and below what float32 adds nothing to. */
const FAR = [4, 1e6] as const;

/** How inputs are drawn about turns that natural draws do not reach, if there are any. */
export function farTurns(domains: readonly (Domain | undefined)[]): Draws | undefined {
  const [least, most] = FAR;
  const far = domains.some((domain) => domain?.near.some((turn) => Math.abs(turn) > least && Math.abs(turn) < most));
  return far ? { name: TURNS.name, of: () => TURNS } : undefined;
}

/** Of every input at once. */
const WAYS: readonly Way[] = [
  TURNS,
  { name: 'positive', of: Math.abs },
  { name: 'zero and one', of: (value) => (value > 0 ? 1 : 0) },
  { name: 'whole', of: (value) => Math.round(3 * Math.abs(value)) },
  { name: 'larger', of: (value) => 30 * value },
  { name: 'positive, larger', of: (value) => 1 + 30 * Math.abs(value) },
  { name: 'negative', of: (value) => -Math.abs(value) },
  { name: 'smaller', of: (value) => 0.01 * value },
  { name: 'positive, smaller', of: (value) => 0.01 * Math.abs(value) },
  { name: 'much larger', of: (value) => 1000 * value },
];

const PICTURES: readonly Way[] = [
  { name: 'pictures of bytes', of: itself, pictures: [0, 255] },
  { name: 'pictures in [0, 1]', of: itself, pictures: [0, 1] },
];

/** Where a function takes several inputs, each of these is once made the larger one. */
const SEVERAL = 4;

/** Ways for inputs by name, to be tried in turn: what each input's is, itself where it is left as it is. */
export interface Draws {
  name: string;
  of: (input: string) => Way | undefined;
}

/** `free`: names of the inputs that may be drawn in another way; `pictures`: whether one of them is a picture. */
export function waysFor(free: readonly string[], pictures: boolean): Draws[] {
  const all = [...(pictures ? PICTURES : []), ...(free.length === 0 ? [] : WAYS)];
  const larger = WAYS.find(({ name }) => name === 'positive, larger');
  return [
    ...all.map((way): Draws => ({ name: way.name, of: () => way })),
    ...(free.length < 2 || larger === undefined
      ? []
      : free.slice(0, SEVERAL).map((one): Draws => ({
          name: `${one} ${larger.name}`,
          of: (input) => (input === one ? larger : undefined),
        }))),
  ];
}
