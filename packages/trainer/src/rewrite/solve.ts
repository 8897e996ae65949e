// Solves for the affine expression of named dims that gives observed numbers at observed sizes.
import { UsageError } from '@forja/core';
import type { Size } from '../trace/program.js';

/** Numbers seen at each trace → the size that explains them, or undefined where no affine expression with whole factors does. */
export type Solver = (numbers: readonly number[]) => Size | undefined;

/** A solver for traces at these sizes. @throws UsageError where the sizes do not tell the dims apart. */
export function solver(sizes: readonly Record<string, number>[]): Solver {
  const names = Object.keys(sizes[0] ?? {});
  for (const s of sizes) if (Object.keys(s).length !== names.length || !names.every((name) => Object.hasOwn(s, name))) throw new UsageError(`align: expected sizes of ${names.join(', ')} for every trace, got ${Object.keys(s).join(', ')}`);
  const rows = sizes.map((s) => [1, ...names.map((name) => s[name] ?? 0)]);
  if (eliminate(rows.map((row) => [...row, 0]), names.length + 1) === undefined) {
    throw new UsageError(`align: expected ${names.length + 1} or more traces at sizes that tell ${names.join(', ') || 'the dims'} apart, got ${sizes.map((s) => JSON.stringify(s)).join(', ')}`);
  }
  return (numbers) => {
    const [first] = numbers;
    if (first !== undefined && numbers.every((n) => n === first)) return first;
    const solution = eliminate(rows.map((row, i) => [...row, numbers[i] ?? NaN]), names.length + 1)?.map((c) => Math.round(c));
    if (solution === undefined) return undefined;
    // Rounded first: elimination in floating point is exact to far less than a half here, and what fails this check was not whole.
    if (!rows.every((row, i) => row.reduce((sum, x, j) => sum + x * (solution[j] ?? 0), 0) === numbers[i])) return undefined;
    const terms = names.flatMap((name, j) => (solution[j + 1] === 0 ? [] : [[name, solution[j + 1] ?? 0] as const]));
    return { constant: (solution[0] ?? 0) + 0, terms: Object.fromEntries(terms) };
  };
}

/** Gauss-Jordan with pivoting on [A | b]; the first `unknowns` columns are A's. Undefined where A has a lower rank. Rows beyond it are ignored. */
function eliminate(matrix: number[][], unknowns: number): number[] | undefined {
  const cell = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  for (let column = 0; column < unknowns; column++) {
    let pivot = column;
    for (let i = column; i < matrix.length; i++) if (Math.abs(cell(i, column)) > Math.abs(cell(pivot, column))) pivot = i;
    if (Math.abs(cell(pivot, column)) < 1e-9) return undefined;
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
