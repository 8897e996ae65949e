// Reshape without a transpose: finds the physical order in which the stored data, unmoved, is the reshaped value.
import { isStatic, sizeText, type Size } from '../../program/program.js';
import type { Perm } from '../contract.js';
import { identity } from './layout.js';

/** Consecutive axes before and after the reshape that hold the same elements in the same order. */
interface Group {
  from: number[];
  to: number[];
}

/** A product of sizes in lowest terms: a number and the symbolic factors, as text. */
interface Product {
  factor: number;
  symbols: string[];
}

/**
 * The physical order of `to` that a plain Reshape yields for a value of shape `from` stored in order `perm`; undefined
 * if the value must be transposed to logical order first. Axes of size 1 may be stored anywhere.
 */
export function regroup(from: readonly Size[], to: readonly Size[], perm: Perm): Perm | undefined {
  if (perm.every((axis, i) => axis === i)) return identity(to.length);
  const groups = match(from, to);
  if (groups === undefined) return undefined;
  const stored = perm.filter((axis) => from[axis] !== 1);
  // The axes of each group must be stored contiguously and in logical order; the groups themselves may be in any order.
  const placed = groups.map((group) => {
    const axes = group.from.filter((axis) => from[axis] !== 1);
    const start = axes[0] === undefined ? undefined : stored.indexOf(axes[0]);
    return { to: group.to, start, whole: start === undefined || axes.every((axis, i) => stored[start + i] === axis) };
  });
  if (placed.some((group) => !group.whole)) return undefined;
  // A group of size-1 axes follows the one before it.
  let last = -1;
  const ordered = placed
    .map((group, i) => ({ to: group.to, start: (last = group.start ?? last), i }))
    .sort((a, b) => a.start - b.start || a.i - b.i);
  return ordered.flatMap((group) => group.to);
}

/** The finest common grouping of two shapes of equal element count, or undefined if it cannot be determined. */
function match(from: readonly Size[], to: readonly Size[]): Group[] | undefined {
  const groups: Group[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const group: Group = { from: [], to: [] };
    let [a, b] = [ONE, ONE];
    do {
      const takeFrom =
        group.from.length === 0 && i < from.length
          ? true
          : group.to.length === 0 && j < to.length
            ? false
            : isBehind(a, b);
      if (takeFrom) {
        const size = from[i];
        if (size === undefined || size === 0) return undefined;
        a = times(a, size);
        group.from.push(i++);
      } else {
        const size = to[j];
        if (size === undefined || size === 0) return undefined;
        b = times(b, size);
        group.to.push(j++);
      }
    } while ((group.to.length === 0 && j < to.length) || !equal(a, b));
    groups.push(group);
  }
  return groups;
}

const ONE: Product = { factor: 1, symbols: [] };

function times(product: Product, size: Size): Product {
  if (isStatic(size)) return { factor: product.factor * size, symbols: product.symbols };
  const divisor = Object.values(size.terms).reduce(gcd, Math.abs(size.constant));
  const terms = Object.fromEntries(
    Object.entries(size.terms)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([name, k]) => [name, k / divisor]),
  );
  return {
    factor: product.factor * divisor,
    symbols: [...product.symbols, sizeText({ constant: size.constant / divisor, terms })].sort(),
  };
}

function gcd(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : gcd(b, a % b);
}

function equal(a: Product, b: Product): boolean {
  return (
    a.factor === b.factor && a.symbols.length === b.symbols.length && a.symbols.every((s, i) => s === b.symbols[i])
  );
}

/** Whether `a` lacks factors that `b` has. */
function isBehind(a: Product, b: Product): boolean {
  const rest = [...a.symbols];
  const missing = b.symbols.filter((s) => {
    const found = rest.indexOf(s);
    if (found !== -1) rest.splice(found, 1);
    return found === -1;
  });
  return missing.length > 0 || (rest.length === 0 && a.factor < b.factor);
}
