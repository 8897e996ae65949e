// Applies constant matrices along the two outermost axes of a value: this is how tiles are cut, padded, transformed and
// joined.
import type { Matrix, Value } from '@forja/core/onnx';
import type { LowerContext } from '../contract.js';

const isIdentity = (matrix: Matrix): boolean =>
  matrix.every((row, i) => row.length === matrix.length && row.every((v, j) => v === (i === j ? 1 : 0)));

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
  return isIdentity(columns)
    ? x
    : ctx.op('MatMul', [constantMatrix(columns, ctx), ctx.reshape(x, [height, columns[0]?.length ?? 0, rest])]);
}

/** rows · x for x [H, rest]. */
export function alongRows(x: Value, rows: Matrix, rest: number, ctx: LowerContext): Value {
  return isIdentity(rows)
    ? x
    : ctx.op('MatMul', [constantMatrix(rows, ctx), ctx.reshape(x, [rows[0]?.length ?? 0, rest])]);
}
