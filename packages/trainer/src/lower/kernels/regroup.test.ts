// The order that regroup foretells, against moving every element.
import { describe, expect, it } from 'vitest';
import type { Size } from '../../program/program.js';
import { regroup } from './regroup.js';

/** For a value holding its own flat logical index: what is stored at each place, in order `perm`. */
function stored(shape: readonly number[], perm: readonly number[]): number[] {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const sizes = perm.map((axis) => shape[axis] ?? 0);
  const out: number[] = [];
  const walk = (depth: number, flat: number): void => {
    if (depth === sizes.length) out.push(flat);
    else for (let i = 0; i < (sizes[depth] ?? 0); i++) walk(depth + 1, flat + i * (strides[perm[depth] ?? 0] ?? 0));
  };
  walk(0, 0);
  return out;
}

function permutations(rank: number): number[][] {
  if (rank === 0) return [[]];
  return permutations(rank - 1).flatMap((p) =>
    Array.from({ length: rank }, (_, i) => [...p.slice(0, i), rank - 1, ...p.slice(i)]),
  );
}

/** All ways to write a product of at most four factors out of 1, 2, 3, 4, 6. */
function shapesOf(count: number, rank: number): number[][] {
  if (rank === 0) return count === 1 ? [[]] : [];
  return [1, 2, 3, 4, 6, 12]
    .filter((d) => count % d === 0)
    .flatMap((d) => shapesOf(count / d, rank - 1).map((rest) => [d, ...rest]));
}

describe('regroup', () => {
  it('foretells an order only where a plain Reshape keeps the logical sequence', () => {
    let kept = 0;
    for (const from of [...shapesOf(12, 3), ...shapesOf(24, 3), ...shapesOf(12, 4)]) {
      const targets = [1, 2, 3, 4]
        .flatMap((rank) =>
          shapesOf(
            from.reduce((a, b) => a * b, 1),
            rank,
          ),
        )
        .filter((_, i) => i % 7 === 0);
      for (const perm of permutations(from.length)) {
        for (const to of targets) {
          const order = regroup(from, to, perm);
          if (order === undefined) continue;
          kept++;
          if (!same(stored(to, order), stored(from, perm)))
            expect.fail(`[${from.join()}] stored [${perm.join()}] as [${to.join()}]: got order [${order.join()}]`);
        }
      }
    }
    expect(kept).toBeGreaterThan(5000);
  });

  it('joins the pixels of a channels-first picture and keeps it channels-first', () => {
    expect(regroup([2, 4, 4, 3], [2, 16, 3], [0, 3, 1, 2])).toEqual([0, 2, 1]);
    expect(regroup([2, 16, 3], [2, 4, 4, 3], [0, 2, 1])).toEqual([0, 3, 1, 2]);
    expect(regroup([2, 4, 4, 3], [2, 48], [0, 3, 1, 2])).toBeUndefined();
  });

  it('compares dynamic sizes as products', () => {
    const batch = (k: number): Size => ({ constant: 0, terms: { batch: k } });
    expect(regroup([batch(1), 4, 4, 3], [batch(1), 16, 3], [0, 3, 1, 2])).toEqual([0, 2, 1]);
    expect(regroup([batch(1), 2, 3], [batch(2), 3], [2, 0, 1])).toEqual([1, 0]);
    expect(regroup([batch(1), 2, 3], [batch(3), 2], [2, 0, 1])).toBeUndefined();
  });
});

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}
