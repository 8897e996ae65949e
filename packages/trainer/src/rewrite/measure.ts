// Solves for numbers that networks compute from sizes and that are not sizes: quotients, square roots and logarithms of
// sizes, and multiples of these.
import {
  isStatic,
  maximum,
  MEASURES,
  plus,
  product,
  sizeText,
  times,
  type Measure,
  type Size,
} from '../program/size.js';
import type { Solver } from './solve.js';

/** The numbers seen at each trace → the measure that explains them, or undefined if none does. */
export type MeasureSolver = (numbers: readonly number[], near?: readonly Size[]) => Measure | undefined;

/** The inverse function of each kind of measure, and the scales that are tried in front of it. */
const INVERSES: readonly { of: Measure['of']; inverse: (x: number) => number; scales: readonly number[] }[] = [
  { of: 'quotient', inverse: (x) => x, scales: [1, Math.PI, 2 * Math.PI] },
  { of: 'root', inverse: (x) => x * x, scales: [1] },
  { of: 'logarithm', inverse: Math.exp, scales: [1, 0.5, 2, 1 / Math.LN2, 1 / Math.LN10] },
];

/** Equal to within float32's relative rounding error: tfjs keeps numbers as float32. */
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1.2e-7 * Math.abs(b);

/** Up to here float32 represents every integer. */
const EXACT = 2 ** 24;

/**
 * Makes a solver of measures on top of a solver of sizes. `evaluate` gives the values of a size at the traces; `dims`
 * are the named dims.
 */
export function measureSolver(
  solve: Solver,
  dims: readonly Size[],
  evaluate: (size: Size) => readonly number[],
): MeasureSolver {
  return (numbers, around = []) => {
    if (!numbers.every(Number.isFinite)) return undefined;
    // Clamp divisors to at least 1, so that none is 0 (such as height - 1 at height 1).
    const divisors = divisorsOf([...around.filter((size) => !isStatic(size)), ...dims]).map((size) => {
      const at = evaluate(size);
      return at.some((n) => n < 1) ? { size: maximum(size, 1), at: at.map((n) => Math.max(n, 1)) } : { size, at };
    });
    const quotient = (
      of: Measure['of'],
      scale: number,
      values: readonly number[],
    ): { above: Size; below: Size } | undefined => {
      for (const { size, at } of [{ size: 1, at: numbers.map(() => 1) }, ...divisors]) {
        const wholes = values.map((v, i) => Math.round(v * (at[i] ?? NaN)));
        if (
          !wholes.every(
            (n, i) =>
              Math.abs(n) < EXACT && at[i] !== 0 && near(scale * MEASURES[of](n / (at[i] ?? NaN)), numbers[i] ?? NaN),
          )
        )
          continue;
        const above = solve(wholes, around, 'quick');
        if (above !== undefined) return { above, below: size };
      }
      return undefined;
    };
    for (const { of, inverse, scales } of INVERSES) {
      for (const scale of scales) {
        const found = numbers.some((v) => of === 'root' && v < 0)
          ? undefined
          : quotient(
              of,
              scale,
              numbers.map((v) => inverse(v / scale)),
            );
        if (found !== undefined) return { scale, of, ...found };
      }
    }
    return multiple(numbers, divisors);
  };
}

/**
 * Finds a size such that the numbers are a constant multiple of it, of its inverse, or of the square root of either.
 */
function multiple(
  numbers: readonly number[],
  divisors: readonly { size: Size; at: readonly number[] }[],
): Measure | undefined {
  for (const { size, at } of divisors) {
    for (const of of ['quotient', 'root'] as const) {
      for (const upright of [true, false]) {
        const scales = numbers.map((v, i) => v / MEASURES[of](upright ? (at[i] ?? NaN) : 1 / (at[i] ?? NaN)));
        const [scale = NaN] = scales;
        if (Number.isFinite(scale) && scale !== 0 && scales.every((s) => near(s, scale)))
          return { scale, of, above: upright ? size : 1, below: upright ? 1 : size };
      }
    }
  }
  return undefined;
}

/** Limit on the number of sizes that are combined into products. */
const MAX_FACTORS = 6;

/** Candidate divisors: the given sizes, products of two, and the doubles and neighbours (±1) of all these. */
function divisorsOf(sizes: readonly Size[]): Size[] {
  const found = new Map<string, Size>();
  const add = (size: Size): void =>
    void (isStatic(size) || found.set(sizeText(size), found.get(sizeText(size)) ?? size));
  for (const size of sizes) add(size);
  const own = [...found.values()].slice(0, MAX_FACTORS);
  for (const [i, a] of own.entries()) for (const b of own.slice(i)) add(product([a, b]));
  for (const size of [...found.values()]) for (const one of [plus(size, -1), plus(size, 1), times(size, 2)]) add(one);
  return [...found.values()];
}
