// Finds the expression of named dims that gives the observed numbers at the observed sizes: sums of integer multiples,
// products of sizes, rounded quotients, and the larger or smaller of two.
import { UsageError } from '@forja/core';
import {
  dimSize,
  evaluateSize,
  floorDivide,
  isStatic,
  maximum,
  minimum,
  plus,
  product,
  sizeText,
  times,
  type Size,
} from '../program/size.js';

/**
 * The numbers seen at each trace → the size that explains them, or undefined if none does. `near`: sizes that the
 * number probably derives from. `quick`: try only sums, products and rounded quotients.
 */
export type Solver = (numbers: readonly number[], near?: readonly Size[], quick?: 'quick') => Size | undefined;

/** Divisors that networks apply to sizes: strides, and multiples that pictures are padded to. */
const DIVISORS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 25, 28, 32, 48, 50, 64, 100, 128];

/** A size with its numbers at the traces. */
interface Term {
  size: Size;
  numbers: readonly number[];
}

/**
 * Makes a solver for traces at these sizes, which are multiples of `steps`. Expressions that it finds are tried first
 * for later numbers.
 * @throws UsageError if the sizes do not determine the dims.
 */
export function solver(sizes: readonly Record<string, number>[], steps: Readonly<Record<string, number>> = {}): Solver {
  const names = Object.keys(sizes[0] ?? {});
  for (const s of sizes)
    if (Object.keys(s).length !== names.length || !names.every((name) => Object.hasOwn(s, name)))
      throw new UsageError(
        `align: expected sizes of ${names.join(', ')} for every trace, got ${Object.keys(s).join(', ')}`,
      );
  const known = new Map<string, Term>();
  const solved = new Map<string, Size>();
  const term = (size: Size): Term => ({ size, numbers: sizes.map((s) => evaluateSize(size, s) ?? NaN) });
  const one = term(1);
  const dims = names.map((name) => term(dimSize(name, steps[name])));
  // Dims in units of their steps.
  const units = names.map((name) =>
    term({
      constant: 0,
      terms: Object.fromEntries(Object.keys(dimSize(name, steps[name]).terms).map((key) => [key, 1])),
    }),
  );
  if (
    eliminate(
      sizes.map((_, row) => [one, ...units].map((t) => t.numbers[row] ?? NaN)),
      sizes.map(() => 0),
    ) === undefined
  ) {
    throw new UsageError(
      `align: expected ${names.length + 1} or more traces at sizes that determine ` +
        `${names.join(', ') || 'the dims'}, got ${sizes.map((s) => JSON.stringify(s)).join(', ')}`,
    );
  }

  return (numbers, near = [], quick) => {
    const [first] = numbers;
    if (first !== undefined && numbers.every((n) => n === first)) return first;
    if (!numbers.every(Number.isSafeInteger)) return undefined;
    const key = numbers.join();
    const before = solved.get(key);
    if (before !== undefined) return before;
    const affine = combination([one, ...units], numbers);
    if (affine !== undefined) return affine;
    const terms = new Map<string, Term>();
    const open = near.filter((size) => !isStatic(size));
    for (const t of [...open.map(term), ...[...known.values()].reverse(), ...dims])
      terms.set(sizeText(t.size), terms.get(sizeText(t.size)) ?? t);
    const found = [...terms.values()];
    const size =
      quick !== undefined
        ? simple(found, one, numbers)
        : (expression(found, differencesOf(open).map(term), units, one, numbers) ??
          greater(found, one, numbers) ??
          bounded(found, units, one, numbers, term));
    if (size === undefined) return undefined;
    known.set(sizeText(size), term(size));
    solved.set(key, size);
    return size;
  };
}

/** Differences of nearby sizes: amounts that were padded or cropped. */
function differencesOf(sizes: readonly Size[]): Size[] {
  return sizes.flatMap((a) => sizes.map((b) => plus(a, b, -1))).filter((size) => !isStatic(size));
}

/** Sums, products and rounded quotients: they have few unknowns, so few traces determine them. */
function simple(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  return multiple(found, one, numbers) ?? multiplied(found, one, numbers) ?? wholePart(found, numbers);
}

/** Simple expressions, sizes rounded to multiples, and sums of three terms. */
function expression(
  found: readonly Term[],
  differences: readonly Term[],
  units: readonly Term[],
  one: Term,
  numbers: readonly number[],
): Size | undefined {
  return (
    simple(found, one, numbers) ??
    rounded(found, one, numbers) ??
    wholePart(differences, numbers) ??
    rounded(differences, one, numbers) ??
    linear(found, units, one, numbers)
  );
}

/** Limit on the number of sizes that are paired in a maximum or minimum. */
const PAIRED = 12;

/** The maximum or minimum of two known sizes. */
function greater(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  const some = found.slice(0, PAIRED);
  for (const [i, a] of some.entries()) {
    for (const b of some.slice(i + 1)) {
      for (const choose of [maximum, minimum]) {
        const both = choose(a.size, b.size);
        const pick = choose === maximum ? Math.max : Math.min;
        const chosen = {
          size: both,
          numbers: numbers.map((_, row) => pick(a.numbers[row] ?? NaN, b.numbers[row] ?? NaN)),
        };
        const size = isStatic(both) ? undefined : combination([one, chosen], numbers);
        if (size !== undefined) return size;
      }
    }
  }
  return undefined;
}

/** How many traces, in addition to one per dim, must not be at the clamping bound; with fewer, many expressions fit. */
const FREE = 2;

/** An expression clamped by a constant from below or above. */
function bounded(
  found: readonly Term[],
  units: readonly Term[],
  one: Term,
  numbers: readonly number[],
  term: (size: Size) => Term,
): Size | undefined {
  for (const [bound, choose] of [
    [Math.min(...numbers), maximum],
    [Math.max(...numbers), minimum],
  ] as const) {
    const free = [...numbers.keys()].filter((row) => numbers[row] !== bound);
    const within = (t: Term): Term => ({ size: t.size, numbers: free.map((row) => t.numbers[row] ?? NaN) });
    const left = free.map((row) => numbers[row] ?? NaN);
    if (free.length < units.length + FREE || new Set(left).size < 2) continue;
    const inner = combination([one, ...units].map(within), left) ?? simple(found.map(within), within(one), left);
    const size = inner === undefined ? undefined : choose(inner, bound);
    if (size !== undefined && term(size).numbers.every((n, row) => n === numbers[row])) return size;
  }
  return undefined;
}

/** The sum of integer multiples of `terms` that gives `numbers` at every trace. */
function combination(terms: readonly Term[], numbers: readonly number[]): Size | undefined {
  const factors = factorsOf(
    terms.map((t) => t.numbers),
    numbers,
  );
  return factors === undefined ? undefined : terms.reduce<Size>((sum, { size }, j) => plus(sum, size, factors[j]), 0);
}

/** The integer factors with which `columns` sum to `numbers`. */
function factorsOf(columns: readonly (readonly number[])[], numbers: readonly number[]): number[] | undefined {
  const rows = numbers.map((_, row) => columns.map((column) => column[row] ?? NaN));
  const factors = eliminate(rows, numbers)?.map((c) => Math.round(c) + 0);
  // Round, then check exactly: elimination errs by far less than 0.5, so factors that fail the check were not integers.
  return factors === undefined ||
    !rows.every((row, i) => row.reduce((sum, x, j) => sum + x * (factors[j] ?? 0), 0) === numbers[i])
    ? undefined
    : factors;
}

/** A multiple of one known size, plus a constant. */
function multiple(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  return firstOf(
    found.map((t) => [one, t]),
    numbers,
  );
}

/**
 * Multiples of two known sizes, or of one and a dim, plus a constant. Tried last, because ⌈h/2⌉ also equals h - ⌊h/2⌋.
 */
function linear(
  found: readonly Term[],
  units: readonly Term[],
  one: Term,
  numbers: readonly number[],
): Size | undefined {
  return firstOf(
    found.flatMap((t) => [...units, ...found].map((other) => [one, t, other])),
    numbers,
  );
}

/** The first combination that fits with at least one trace left over to check it. */
function firstOf(choices: readonly (readonly Term[])[], numbers: readonly number[]): Size | undefined {
  for (const terms of choices) {
    const size = terms.length < numbers.length ? combination(terms, numbers) : undefined;
    if (size !== undefined) return size;
  }
  return undefined;
}

/** A multiple of the product of two to four sizes. */
function multiplied(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  const grow = (from: number, chosen: readonly Term[]): Size | undefined => {
    if (chosen.length > 1) {
      const all = {
        size: product(chosen.map(({ size }) => size)),
        numbers: numbers.map((_, row) => chosen.reduce((p, t) => p * (t.numbers[row] ?? NaN), 1)),
      };
      const size = combination([one, all], numbers);
      if (size !== undefined) return size;
    }
    for (let i = from; chosen.length < 4 && i < Math.min(found.length, 8); i++) {
      const t = found[i];
      const size = t === undefined ? undefined : grow(i, [...chosen, t]);
      if (size !== undefined) return size;
    }
    return undefined;
  };
  return grow(0, []);
}

/** A rounded quotient ⌊(m·E + c)/n⌋. */
function wholePart(found: readonly Term[], numbers: readonly number[]): Size | undefined {
  for (const e of found) {
    const slopes = slopesOf(e.numbers, numbers);
    for (const n of DIVISORS) {
      for (const m of [1, ...multiples(slopes, n)]) {
        const shift = shiftOf(
          numbers,
          e.numbers.map((x) => x * m),
          n,
        );
        if (shift !== undefined) return floorDivide(plus(times(e.size, m), shift), n);
      }
    }
  }
  return undefined;
}

/** A size rounded down, up or to the nearest multiple of n, or the difference to it: k₀ + k₁·⌊(E + c)/n⌋ + k₂·E. */
function rounded(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  for (const e of found) {
    for (const n of DIVISORS) {
      const shifts = [...new Set([0, n - 1, Math.floor(n / 2)])].map((c) => ({
        c,
        parts: e.numbers.map((x) => Math.floor((x + c) / n)),
      }));
      for (const also of [[], [e]]) {
        if (also.length + 2 >= numbers.length) continue;
        for (const { c, parts } of shifts) {
          const factors = factorsOf([one.numbers, parts, ...also.map((t) => t.numbers)], numbers);
          if (factors === undefined) continue;
          return [1, floorDivide(plus(e.size, c), n), ...also.map((t) => t.size)].reduce<Size>(
            (sum, size, j) => plus(sum, size, factors[j]),
            0,
          );
        }
      }
    }
  }
  return undefined;
}

/** If the numbers are ⌊(m·E + c)/n⌋: the least and greatest possible m/n, and the range of E over the traces. */
function slopesOf(sizes: readonly number[], numbers: readonly number[]): readonly [number, number, number] {
  const [low, high] = [sizes.indexOf(Math.min(...sizes)), sizes.indexOf(Math.max(...sizes))];
  const [rise, run] = [(numbers[high] ?? NaN) - (numbers[low] ?? NaN), (sizes[high] ?? NaN) - (sizes[low] ?? NaN)];
  return run > 0 ? [(rise - 1) / run, (rise + 1) / run, run] : [0, 0, 0];
}

/**
 * The integers m other than 1 for which m/n, in lowest terms, lies between the slopes: 1.5 is 3/2. None if the sizes
 * are too close together to tell one from another.
 */
function multiples([least, most, run]: readonly [number, number, number], n: number): number[] {
  const result: number[] = [];
  if (n > run / 2) return result;
  for (let m = Math.max(2, Math.ceil(least * n)); m <= most * n; m++) if (m % n !== 0 && coprime(m, n)) result.push(m);
  return result;
}

function coprime(a: number, b: number): boolean {
  return b === 0 ? a === 1 : coprime(b, a % b);
}

/**
 * The c with ⌊(e + c)/n⌋ = part at every trace. If several fit, prefers rounding down, then up, then to nearest; these
 * three may have a multiple of n added.
 */
function shiftOf(parts: readonly number[], sizes: readonly number[], n: number): number | undefined {
  const low = Math.max(...parts.map((part, i) => part * n - (sizes[i] ?? NaN)));
  const high = Math.min(...parts.map((part, i) => part * n - (sizes[i] ?? NaN) + n - 1));
  if (!(low <= high)) return undefined;
  for (const c of [0, n - 1]) if (low <= c && c <= high) return c;
  for (const residue of [0, n - 1, Math.floor(n / 2), Math.floor((n - 1) / 2)]) {
    const c = low + ((((residue - low) % n) + n) % n);
    if (c <= high) return c;
  }
  return undefined;
}

/**
 * Solves rows · x = right by Gauss-Jordan elimination with pivoting. Undefined if the rank is below the number of
 * unknowns; surplus rows are ignored.
 */
function eliminate(rows: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const unknowns = rows[0]?.length ?? 0;
  const matrix = rows.map((row, i) => [...row, right[i] ?? NaN]);
  const cell = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  for (let column = 0; column < unknowns; column++) {
    let pivot = column;
    for (let i = column; i < matrix.length; i++)
      if (Math.abs(cell(i, column)) > Math.abs(cell(pivot, column))) pivot = i;
    if (!(Math.abs(cell(pivot, column)) >= 1e-9)) return undefined;
    [matrix[column], matrix[pivot]] = [matrix[pivot] ?? [], matrix[column] ?? []];
    const scale = cell(column, column);
    matrix[column] = (matrix[column] ?? []).map((v) => v / scale);
    for (let i = 0; i < matrix.length; i++) {
      if (i === column) continue;
      const factor = cell(i, column);
      matrix[i] = (matrix[i] ?? []).map((v, j) => v - factor * cell(column, j));
    }
  }
  return matrix.slice(0, unknowns).map((row) => row[unknowns] ?? 0);
}
