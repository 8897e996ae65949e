// By which numbers a network divides the sizes of pictures: where tiles of a picture may begin.
import type { Program, Size } from '../program/program.js';
import { factorOf, factorsOf, namesOf, termsOf, type Factor } from '../program/size.js';
import { isPicture } from './pictures.js';
import type { Sizes } from './traced.js';

/** Greater numbers are left out: no tile is that large. */
const MOST = 4096;

/**
 * For each dynamic dim that is a side of a picture that the program takes: the least common multiple of the numbers by
 * which it is divided in the shape of some value, unless that is 1 or its step. Pictures that are shifted by it have
 * results that are shifted too, apart from their edges.
 */
export function stridesOf({ inputs, values }: Program, steps: Sizes): Record<string, number> {
  const pictures = inputs.map(({ value }) => values[value]?.shape ?? []).filter(isPicture);
  const sides = new Set(pictures.flatMap((shape) => shape.slice(1, 3).flatMap(namesOf)));
  const strides: Record<string, number> = {};
  for (const { shape } of Object.values(values))
    for (const size of shape)
      for (const [name, by] of divisorsOf(size)) if (sides.has(name)) strides[name] = lcm(strides[name] ?? 1, by);
  return Object.fromEntries(Object.entries(strides).filter(([dim, by]) => by !== (steps[dim] ?? 1) && by <= MOST));
}

/** Each dim in `size`, with the number that divides it, for each place where it stands. */
function divisorsOf(size: Size): [name: string, by: number][] {
  return Object.keys(termsOf(size)).flatMap((key) => factorsOf(key).flatMap((factor) => ofFactor(factorOf(factor))));
}

function ofFactor(factor: Factor): [name: string, by: number][] {
  if ('whole' in factor) return divisorsOf(factor.whole).map(([name, by]) => [name, by * factor.by]);
  return 'greater' in factor ? factor.greater.flatMap(divisorsOf) : [[factor.name, factor.step]];
}

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
