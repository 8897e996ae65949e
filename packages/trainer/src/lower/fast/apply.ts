// Applies constant matrices along the two outermost axes of a value: this is how tiles are cut, padded, transformed and
// joined.
import type { Matrix, Value } from '@forja/core/onnx';
import type { LowerContext } from '../contract.js';

const isIdentity = (matrix: Matrix): boolean =>
  matrix.every((row, i) => row.length === matrix.length && row.every((v, j) => v === (i === j ? 1 : 0)));

/**
 * The block of a matrix that repeats one block along its diagonal, as those of windows that tile a picture do, and how
 * often it does; the matrix itself, once, if it has no such block.
 */
function repeatedBlock(matrix: Matrix): { block: Matrix; count: number } {
  const [height, width] = [matrix.length, matrix[0]?.length ?? 0];
  for (let count = Math.min(height, width); count > 1; count--) {
    if (height % count !== 0 || width % count !== 0) continue;
    const [h, w] = [height / count, width / count];
    const block = matrix.slice(0, h).map((row) => row.slice(0, w));
    const repeats = matrix.every((row, i) =>
      row.every((v, j) => v === (Math.floor(i / h) === Math.floor(j / w) ? block[i % h]?.[j % w] : 0)),
    );
    if (repeats) return { block, count };
  }
  return { block: matrix, count: 1 };
}

/** Multiply-adds of a matrix with one column. */
export function productsIn(matrix: Matrix): number {
  const { block, count } = repeatedBlock(matrix);
  return count * block.length * (block[0]?.length ?? 0);
}

/** matrix · x for x [..., rest], of which there are `groups`; a repeated block is multiplied without the zeros. */
function multiplied(matrix: Matrix, x: Value, groups: readonly number[], rest: number, ctx: LowerContext): Value {
  const { block, count } = repeatedBlock(matrix);
  const parts = count === 1 ? groups : [groups.reduce((a, b) => a * b, 1) * count];
  const product = ctx.op('MatMul', [
    constantMatrix(block, ctx),
    ctx.reshape(x, [...parts, block[0]?.length ?? 0, rest]),
  ]);
  return count === 1 ? product : ctx.reshape(product, [...groups, matrix.length, rest]);
}

/** A matrix as an initializer. */
export function constantMatrix(matrix: Matrix, ctx: LowerContext): Value {
  return ctx.constant('float32', [matrix.length, matrix[0]?.length ?? 0], Float32Array.from(matrix.flat()));
}

/** rows · x · columnsᵀ for x [H, W, rest], as [rows, columns, rest]. Nothing is emitted for an identity. */
export function alongBoth(x: Value, rows: Matrix, columns: Matrix, rest: number, ctx: LowerContext): Value {
  return alongColumns(alongRows(x, rows, (columns[0]?.length ?? 0) * rest, ctx), columns, rows.length, rest, ctx);
}

/** {@link alongBoth} with the columns first: for results smaller than their source. */
export function alongBothBack(x: Value, rows: Matrix, columns: Matrix, rest: number, ctx: LowerContext): Value {
  return alongRows(alongColumns(x, columns, rows[0]?.length ?? 0, rest, ctx), rows, columns.length * rest, ctx);
}

/** x · columnsᵀ for x [height, W, rest], as [height, columns, rest]. */
export function alongColumns(x: Value, columns: Matrix, height: number, rest: number, ctx: LowerContext): Value {
  return isIdentity(columns) ? x : multiplied(columns, x, [height], rest, ctx);
}

/** rows · x for x [H, rest]. */
export function alongRows(x: Value, rows: Matrix, rest: number, ctx: LowerContext): Value {
  return isIdentity(rows) ? x : multiplied(rows, x, [], rest, ctx);
}
