// Solves for the expression of named dims that gives observed numbers at observed sizes: sums of whole multiples, products of sizes, and whole parts of them.
import { UsageError } from '@forja/core';
import { dimSize, evaluateSize, floorDivide, isStatic, plus, product, sizeText, times, type Size } from '../trace/size.js';

/** Numbers seen at each trace → the size that explains them, or undefined where none does. `near`: sizes that the number was probably made of. */
export type Solver = (numbers: readonly number[], near?: readonly Size[]) => Size | undefined;

/** Divisors of sizes that networks use: strides, and what pictures are padded to. */
const DIVISORS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64, 128];

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
  for (const s of sizes) if (Object.keys(s).length !== names.length || !names.every((name) => Object.hasOwn(s, name))) throw new UsageError(`align: expected sizes of ${names.join(', ')} for every trace, got ${Object.keys(s).join(', ')}`);
  const known = new Map<string, Term>();
  const term = (size: Size): Term => ({ size, numbers: sizes.map((s) => evaluateSize(size, s) ?? NaN) });
  const one = term(1);
  const dims = names.map((name) => term(dimSize(name, steps[name])));
  // A dim that is a multiple of its step is counted in steps.
  const units = names.map((name) => term({ constant: 0, terms: Object.fromEntries(Object.keys(dimSize(name, steps[name]).terms).map((key) => [key, 1])) }));
  if (eliminate(sizes.map((_, row) => [one, ...units].map((t) => t.numbers[row] ?? NaN)), sizes.map(() => 0)) === undefined) {
    throw new UsageError(`align: expected ${names.length + 1} or more traces at sizes that tell ${names.join(', ') || 'the dims'} apart, got ${sizes.map((s) => JSON.stringify(s)).join(', ')}`);
  }

  return (numbers, near = []) => {
    const [first] = numbers;
    if (first !== undefined && numbers.every((n) => n === first)) return first;
    const affine = combination([one, ...units], numbers);
    if (affine !== undefined) return affine;
    const terms = new Map<string, Term>();
    for (const t of [...near.filter((size) => !isStatic(size)).map(term), ...[...known.values()].reverse(), ...dims]) terms.set(sizeText(t.size), terms.get(sizeText(t.size)) ?? t);
    const found = [...terms.values()];
    const size = multiple(found, one, numbers) ?? multiplied(found, one, numbers) ?? wholePart(found, numbers) ?? linear(found, units, one, numbers);
    if (size !== undefined) known.set(sizeText(size), term(size));
    return size;
  };
}

/** The sum of whole multiples of `terms` that gives `numbers` everywhere. */
function combination(terms: readonly Term[], numbers: readonly number[]): Size | undefined {
  const rows = numbers.map((_, row) => terms.map((t) => t.numbers[row] ?? NaN));
  const factors = eliminate(rows, numbers)?.map((c) => Math.round(c) + 0);
  // Rounded first: elimination in floating point is exact to far less than a half here, and what fails this check was not whole.
  if (factors === undefined || !rows.every((row, i) => row.reduce((sum, x, j) => sum + x * (factors[j] ?? 0), 0) === numbers[i])) return undefined;
  return terms.reduce<Size>((sum, { size }, j) => plus(sum, size, factors[j]), 0);
}

/** A multiple of one size that is known, and a number. */
function multiple(found: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  return firstOf(found.map((t) => [one, t]), numbers);
}

/** Multiples of two sizes that are known, or of one and a dim. Tried last: ⌈h/2⌉ is h - ⌊h/2⌋ too. */
function linear(found: readonly Term[], units: readonly Term[], one: Term, numbers: readonly number[]): Size | undefined {
  return firstOf(found.flatMap((t) => [...units, ...found].map((other) => [one, t, other])), numbers);
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
      const all = { size: product(chosen.map(({ size }) => size)), numbers: numbers.map((_, row) => chosen.reduce((p, t) => p * (t.numbers[row] ?? NaN), 1)) };
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

/** Forms that whole parts of a size E come in, as `factor · ⌊(E + c)/n⌋ + times · E`: E/n; rounded to a multiple of n; what rounding takes away; what it adds. */
const FORMS = (n: number): readonly { factor: number; times: number }[] => [{ factor: 1, times: 0 }, { factor: n, times: 0 }, { factor: -n, times: 1 }, { factor: n, times: -1 }];

function wholePart(found: readonly Term[], numbers: readonly number[]): Size | undefined {
  for (const e of found) {
    for (const n of DIVISORS) {
      for (const { factor, times: k } of FORMS(n)) {
        const parts = numbers.map((v, i) => (v - k * (e.numbers[i] ?? NaN)) / factor);
        const shift = parts.every(Number.isSafeInteger) ? shiftOf(parts, e.numbers, n) : undefined;
        if (shift !== undefined) return plus(times(floorDivide(plus(e.size, shift), n), factor), e.size, k);
      }
    }
  }
  return undefined;
}

/** The c of ⌊(e + c)/n⌋ = part at every trace. Where several fit: the one that rounds down, or else up; undefined where neither does. */
function shiftOf(parts: readonly number[], sizes: readonly number[], n: number): number | undefined {
  const low = Math.max(...parts.map((part, i) => part * n - (sizes[i] ?? NaN)));
  const high = Math.min(...parts.map((part, i) => part * n - (sizes[i] ?? NaN) + n - 1));
  if (!(low <= high)) return undefined;
  if (low === high) return low;
  for (const residue of [0, n - 1]) {
    const c = low + ((((residue - low) % n) + n) % n);
    if (c <= high) return c;
  }
  return undefined;
}

/** Solves rows · x = right by Gauss-Jordan with pivoting. Undefined where the rows have a lower rank than x has unknowns; rows beyond are ignored. */
function eliminate(rows: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const unknowns = rows[0]?.length ?? 0;
  const matrix = rows.map((row, i) => [...row, right[i] ?? NaN]);
  const cell = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  for (let column = 0; column < unknowns; column++) {
    let pivot = column;
    for (let i = column; i < matrix.length; i++) if (Math.abs(cell(i, column)) > Math.abs(cell(pivot, column))) pivot = i;
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
