// Solves for the expression of named dims that gives observed numbers at observed sizes: sums of whole multiples,
// products of sizes, whole parts of multiples, and the greater or lesser of two.
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
 * Numbers seen at each trace → the size that explains them, or undefined where none does. `near`: sizes that the number
 * was probably made of. `quick`: sums, products and whole parts only.
 */
export type Solver = (numbers: readonly number[], near?: readonly Size[], quick?: 'quick') => Size | undefined;

/** Divisors of sizes that networks use: strides, and what pictures are padded to. */
const DIVISORS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 25, 28, 32, 48, 50, 64, 100, 128];

/** A size with its numbers at the traces. */
interface Term {
  size: Size;
  numbers: readonly number[];
}

/**
 * A solver for traces at these sizes, which are multiples of `steps`. What it finds helps it with what comes later.
 * @throws UsageError where the sizes do not tell the dims apart.
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
  // A dim that is a multiple of its step is counted in steps.
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
      `align: expected ${names.length + 1} or more traces at sizes that tell ${names.join(', ') || 'the dims'} apart, got ${sizes.map((s) => JSON.stringify(s)).join(', ')}`,
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
        : (expression(found, apart(open).map(term), units, one, numbers) ??
          greater(found, one, numbers) ??
          bounded(found, units, one, numbers, term));
    if (size === undefined) return undefined;
    known.set(sizeText(size), term(size));
    solved.set(key, size);
    return size;
  };
}

/** What is padded to a size, or cut off it: differences of sizes that are near. */
function apart(sizes: readonly Size[]): Size[] {
  return sizes.flatMap((a) => sizes.map((b) => plus(a, b, -1))).filter((size) => !isStatic(size));
}

/** Sums, products and whole parts: few unknowns, which few numbers tell. */
function simple(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  return multiple(found, one, numbers) ?? multiplied(found, one, numbers) ?? wholePart(found, numbers);
}

/** These, and sums of three terms. */
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

/** So many sizes are tried as one of two. */
const PAIRED = 12;

/** The greater or the lesser of two sizes that are known. */
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

/** So many traces beside one for each dim must lie off the bound, or many things would fit them. */
const FREE = 2;

/** An expression that is kept from falling below a number, or from rising above it. */
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

/** The sum of whole multiples of `terms` that gives `numbers` everywhere. */
function combination(terms: readonly Term[], numbers: readonly number[]): Size | undefined {
  const factors = factorsOf(
    terms.map((t) => t.numbers),
    numbers,
  );
  return factors === undefined ? undefined : terms.reduce<Size>((sum, { size }, j) => plus(sum, size, factors[j]), 0);
}

/** The whole factors of columns of numbers whose sum is `numbers`. */
function factorsOf(columns: readonly (readonly number[])[], numbers: readonly number[]): number[] | undefined {
  const rows = numbers.map((_, row) => columns.map((column) => column[row] ?? NaN));
  const factors = eliminate(rows, numbers)?.map((c) => Math.round(c) + 0);
  // Rounded first: elimination in floating point is exact to far less than a half here, and what fails this check was
  // not whole.
  return factors === undefined ||
    !rows.every((row, i) => row.reduce((sum, x, j) => sum + x * (factors[j] ?? 0), 0) === numbers[i])
    ? undefined
    : factors;
}

/** A multiple of one size that is known, and a number. */
function multiple(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  return firstOf(
    found.map((t) => [one, t]),
    numbers,
  );
}

/** Multiples of two sizes that are known, or of one and a dim. Tried last: ⌈h/2⌉ is h - ⌊h/2⌋ too. */
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

/** A whole part ⌊(m·E + c)/n⌋ of a multiple of a size. */
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

/**
 * A size rounded down, up or to the nearest multiple of n, and what that takes away, or adds: a sum with a whole part
 * of it, and with itself.
 */
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

/**
 * How much numbers rise for one of a size, at least and at most, if they are whole parts of multiples of it, and over
 * how many sizes.
 */
function slopesOf(sizes: readonly number[], numbers: readonly number[]): readonly [number, number, number] {
  const [low, high] = [sizes.indexOf(Math.min(...sizes)), sizes.indexOf(Math.max(...sizes))];
  const [rise, run] = [(numbers[high] ?? NaN) - (numbers[low] ?? NaN), (sizes[high] ?? NaN) - (sizes[low] ?? NaN)];
  return run > 0 ? [(rise - 1) / run, (rise + 1) / run, run] : [0, 0, 0];
}

/**
 * The whole m other than 1 for which m/n, in lowest terms, lies between the slopes: 1.5 is 3/2. None where sizes lie so
 * close that several would do.
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
 * The c of ⌊(e + c)/n⌋ = part at every trace. Where several fit: the one that rounds down, or else up, or else to the
 * nearest; if need be, with a multiple of n beside it.
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
 * Solves rows · x = right by Gauss-Jordan with pivoting. Undefined where the rows have a lower rank than x has
 * unknowns; rows beyond are ignored.
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
