// Max pooling with windows that tile the picture, for pictures with height and width outermost: takes the maximum along
// each row of a window, then the maximum of these. The gradient takes the same two steps back, each time to the first
// cell that equals the maximum, and so reaches the window's first maximum in row-major order.
import type { Value } from '@forja/core/onnx';
import type { SharedAttrs } from '../../kernels/attributes.js';
import type { Size } from '../../program/program.js';
import type { BoundCall, KernelLowering, KernelRow, KernelTable, LowerContext, Logical } from '../contract.js';
import { poolKernels } from '../kernels/pool.js';
import { input, output } from '../kernels/spatial.js';
import { otherwise, memoized } from './contract.js';
import { poolAxes, stored, type StoredPicture } from './pictures.js';

/** Window size along height and width; undefined if windows overlap, leave gaps, or reach beyond the picture. */
export function tilesOf(
  attrs: SharedAttrs<'MaxPool'>,
  large: readonly Size[],
  small: readonly Size[],
): readonly [number, number] | undefined {
  const axes = poolAxes(attrs, large, small);
  if (
    axes?.every(
      (axis) => axis.kernel === axis.stride && axis.before === 0 && axis.small * axis.kernel === axis.large,
    ) !== true
  )
    return undefined;
  return [axes[0].kernel, axes[1].kernel];
}

/** The cells of all windows along one axis, one value per cell, and their maximum. */
interface Round {
  cells: readonly Value[];
  best: Value;
}

/** Splits a value of shape [before, cells, after] into its cells. */
function round(value: Value, before: number, cells: number, after: number, ctx: LowerContext): Round {
  if (cells === 1) return { cells: [value], best: value };
  const parts = ctx.ops('Split', [ctx.reshape(value, [before, cells, after])], { axis: 1, num_outputs: cells }, cells);
  return { cells: parts, best: ctx.op('Max', parts) };
}

interface Maxima {
  along: { width: Round; height: Round };
  best: Value;
}

function maxima(
  { value, height, width, rest }: StoredPicture,
  [kh, kw]: readonly [number, number],
  ctx: LowerContext,
): Maxima {
  return memoized<Maxima>(value, `maxima ${kh}×${kw}`, () => {
    const rows = round(value, height * (width / kw), kw, rest, ctx);
    const windows = round(rows.best, height / kh, kh, (width / kw) * rest, ctx);
    return { along: { width: rows, height: windows }, best: windows.best };
  });
}

/**
 * Passes gradients of the maxima to the first cell of each window that equals the maximum; the last cell gets the
 * gradient that no cell before it took. The result has shape [before, cells, after].
 */
function handBack(slopes: Value, { cells, best }: Round, before: number, after: number, ctx: LowerContext): Value {
  let left = ctx.reshape(slopes, [before, 1, after]);
  const shares = cells.slice(0, -1).map((cell) => {
    // 1 where the cell is the maximum (a cell is never greater), else 0; inexact only for differences below 1e-38.
    const first = ctx.op('HardSigmoid', [ctx.op('Sub', [cell, best])], { alpha: 1e38, beta: 1 });
    const share = ctx.op('Mul', [left, first]);
    left = ctx.op('Sub', [left, share]);
    return share;
  });
  return cells.length === 1 ? slopes : ctx.op('Concat', [...shares, left], { axis: 1 });
}

interface Sides {
  large: Logical;
  small: Logical;
}

type Lower = (
  picture: StoredPicture,
  tiles: readonly [number, number],
  small: Logical,
  call: BoundCall,
  ctx: LowerContext,
) => void;

/** A row that falls back to the portable one. */
function tiled(
  sides: (call: BoundCall, ctx: LowerContext) => Sides,
  portable: KernelRow | undefined,
  lower: Lower,
): KernelLowering {
  return (call, ctx) => {
    const { large, small } = sides(call, ctx);
    const tiles = large.dtype === 'float32' ? tilesOf(call.attrs, large.shape, small.shape) : undefined;
    if (tiles !== undefined) lower(stored(large, ctx), tiles, small, call, ctx);
    else otherwise(portable)(call, ctx);
  };
}

/** Rows of the `fast` target. */
export const maxPoolKernels: KernelTable = {
  MaxPool: tiled(
    (call, ctx) => ({ large: input(call, 'x', ctx), small: output(call, ctx) }),
    poolKernels.MaxPool,
    (picture, tiles, small, _call, ctx) => {
      const sizes = picture.perm.map((axis) => Number(small.shape[axis])); // static, as tilesOf has checked
      ctx.set(small, ctx.reshape(maxima(picture, tiles, ctx).best, sizes), picture.perm);
    },
  ),
  MaxPoolGrad: tiled(
    (call, ctx) => ({ large: input(call, 'input', ctx), small: input(call, 'dy', ctx) }),
    poolKernels.MaxPoolGrad,
    (picture, tiles, small, call, ctx) => {
      const { height, width, rest, perm } = picture;
      const [kh, kw] = tiles;
      const { along } = maxima(picture, tiles, ctx);
      const rows = handBack(ctx.get(small, perm), along.height, height / kh, (width / kw) * rest, ctx);
      const cells = handBack(rows, along.width, height * (width / kw), rest, ctx);
      const dx = output(call, ctx);
      ctx.set(
        dx,
        ctx.reshape(
          cells,
          perm.map((axis) => Number(dx.shape[axis])),
        ),
        perm,
      ); // static, as tilesOf has checked
    },
  ),
};
