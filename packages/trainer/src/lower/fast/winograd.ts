// Winograd convolution F(m, r) along both axes: products of transformed tiles. The constant matrices that cut and join
// tiles are core's (core/src/onnx/fast/tiling.ts).
import {
  byClass,
  productsAlong,
  tilings,
  transpose,
  type Axis,
  type Matrix,
  type Tiling,
  type Value,
} from '@forja/core/onnx';
import type { LowerContext, Logical } from '../contract.js';
import { alongColumns, alongRows } from './apply.js';
import { HWNC, memoized, type ConvAlgorithm, type Convolution } from './contract.js';

/** Largest tile, and most products of a tile along an axis: F(4, 3) already loses a decimal digit. */
const LARGEST = { tile: 4, products: 6 };

/** The tile size that needs the fewest products; the smaller one at a tie. */
function tileOf(axis: Axis): number {
  if (axis.kernel === axis.stride) return 1;
  let best = 1;
  const most = Math.min(LARGEST.tile, LARGEST.products + 1 - axis.kernel / axis.stride);
  for (let m = 2; m <= most; m++) if (productsAlong(axis, m) < productsAlong(axis, best)) best = m;
  return best;
}

/**
 * Both axes cut into tiles. If an axis is not a multiple of the tile it has two parts; the results of all combinations
 * of parts are added.
 */
interface Plan {
  h: readonly Tiling[];
  w: readonly Tiling[];
  key: string;
}

/** One part of each axis. */
interface Parts {
  h: Tiling;
  w: Tiling;
  key: string;
}

const plans = new WeakMap<Convolution, Plan>();

function planOf(conv: Convolution): Plan {
  const known = plans.get(conv);
  if (known !== undefined) return known;
  const [mh, mw] = [tileOf(conv.height), tileOf(conv.width)];
  const text = ({ large, small, kernel, stride, before }: Axis, m: number): string =>
    [large, small, kernel, stride, before, m].join(',');
  const plan = {
    h: tilings(conv.height, mh),
    w: tilings(conv.width, mw),
    key: `winograd ${text(conv.height, mh)};${text(conv.width, mw)}`,
  };
  plans.set(conv, plan);
  return plan;
}

const sum = (values: readonly Value[], ctx: LowerContext): Value => values.reduce((a, b) => ctx.op('Add', [a, b]));

/**
 * Adds the results of all parts: first over the parts of the width, before `tall` transforms along the height (fewer
 * numbers to add), then over the parts of the height.
 */
function overParts(
  conv: Convolution,
  each: (parts: Parts) => Value,
  tall: (value: Value, h: Tiling) => Value,
  ctx: LowerContext,
): Value {
  const { h, w, key } = planOf(conv);
  return sum(
    h.map((hPart, i) =>
      tall(
        sum(
          w.map((wPart, j) => each({ h: hPart, w: wPart, key: `${key} ${i} ${j}` })),
          ctx,
        ),
        hPart,
      ),
    ),
    ctx,
  );
}

/** Kronecker product of two matrices. */
function kronecker(a: Matrix, b: Matrix): number[][] {
  return a.flatMap((row) => b.map((other) => row.flatMap((x) => other.map((y) => x * y))));
}

/**
 * x transformed: [points of h, points of w, tiles · N, strides · C], where `tiles` and `strides` are products over h
 * and w. Each pair of points is one matrix product.
 */
function transformedLarge(conv: Convolution, x: Logical, { h, w, key }: Parts, ctx: LowerContext): Value {
  const { batch, channels } = conv;
  const stored = ctx.get(x, HWNC);
  return memoized(stored, `${key} large`, () => {
    const tall = tallOf(stored, h.data, conv.width.large * batch * channels, ctx);
    const tiles = ctx.reshape(alongColumns(tall, w.data, h.data.length, batch * channels, ctx), [
      h.points,
      h.tiles,
      h.stride,
      w.points,
      w.tiles,
      w.stride,
      batch,
      channels,
    ]);
    const grouped = ctx.op('Transpose', [tiles], { perm: [0, 3, 1, 4, 6, 2, 5, 7] });
    return ctx.reshape(grouped, [h.points, w.points, h.tiles * w.tiles * batch, h.stride * w.stride * channels]);
  });
}

/** dy transformed with the adjoint of the output transform: [points of h, points of w, tiles · N, outChannels]. */
function transformedSmall(conv: Convolution, dy: Logical, { h, w, key }: Parts, ctx: LowerContext): Value {
  const { batch, outChannels } = conv;
  const stored = ctx.get(dy, HWNC);
  return memoized(stored, `${key} small`, () => {
    const rows = transpose(h.output);
    const tall = tallOf(stored, rows, conv.width.small * batch * outChannels, ctx);
    const tiles = alongColumns(tall, transpose(w.output), rows.length, batch * outChannels, ctx);
    return ctx.reshape(exchanged(tiles, [h.points, h.tiles, w.points, w.tiles * batch * outChannels], ctx), [
      h.points,
      w.points,
      h.tiles * w.tiles * batch,
      outChannels,
    ]);
  });
}

/** The transform along the height, computed once for all parts of the width. */
function tallOf(stored: Value, rows: Matrix, rest: number, ctx: LowerContext): Value {
  return memoized(stored, `tall ${JSON.stringify(rows)}`, () => alongRows(stored, rows, rest, ctx));
}

/** The filter transformed: [points of h, points of w, strides · C, outChannels]. */
function transformedFilter(conv: Convolution, filter: Value, { h, w, key }: Parts, ctx: LowerContext): Value {
  const columns = h.stride * w.stride * conv.channels * conv.outChannels;
  return memoized(filter, `${key} filter`, () => {
    const points = alongRows(filter, kronecker(h.filter, w.filter), columns, ctx);
    return ctx.reshape(points, [h.points, w.points, columns / conv.outChannels, conv.outChannels]);
  });
}

/** Swaps the two middle axes of four: (k, t, k, t) to (k, k, t, t) and back. */
function exchanged(value: Value, sizes: readonly [number, number, number, number], ctx: LowerContext): Value {
  const [, a, b] = sizes;
  return a === 1 || b === 1 ? value : ctx.op('Transpose', [ctx.reshape(value, sizes)], { perm: [0, 2, 1, 3] });
}

function forward(conv: Convolution, x: Logical, filter: Value, ctx: LowerContext): Value {
  const { batch, outChannels } = conv;
  const [height, width, rest] = [conv.height.small, conv.width.small, batch * outChannels];
  const y = overParts(
    conv,
    (parts) => {
      const { h, w } = parts;
      const products = ctx.op('MatMul', [
        transformedLarge(conv, x, parts, ctx),
        transformedFilter(conv, filter, parts, ctx),
      ]);
      const tiles = exchanged(products, [h.points, w.points, h.tiles, w.tiles * rest], ctx);
      return alongColumns(tiles, w.output, h.points * h.tiles, rest, ctx);
    },
    (narrow, h) => alongRows(narrow, h.output, width * rest, ctx),
    ctx,
  );
  return ctx.reshape(y, [height, width, batch, outChannels]);
}

/**
 * Pixels whose positions have the same remainder modulo the stride get products of their own, so that the reordering
 * afterwards moves blocks of N·C floats instead of C.
 */
function inputGradient(conv: Convolution, dy: Logical, filter: Value, ctx: LowerContext): Value {
  const { batch, channels, outChannels } = conv;
  const [height, width, rest] = [conv.height.large, conv.width.large, batch * channels];
  const dx = overParts(
    conv,
    (parts) => {
      const { h, w } = parts;
      const points = ctx.reshape(transformedFilter(conv, filter, parts, ctx), [
        h.points,
        w.points,
        h.stride * w.stride,
        channels,
        outChannels,
      ]);
      const rows = ctx.reshape(transformedSmall(conv, dy, parts, ctx), [
        h.points,
        w.points,
        1,
        h.tiles * w.tiles * batch,
        outChannels,
      ]);
      const products = ctx.op('MatMul', [rows, ctx.op('Transpose', [points], { perm: [0, 1, 2, 4, 3] })]);
      const split = ctx.reshape(products, [h.points, w.points, h.stride, w.stride, h.tiles, w.tiles * rest]);
      const tiles = ctx.op('Transpose', [split], { perm: [0, 2, 4, 1, 3, 5] });
      return alongColumns(tiles, transpose(byClass(w)), h.points * h.stride * h.tiles, rest, ctx);
    },
    (narrow, h) => alongRows(narrow, transpose(byClass(h)), width * rest, ctx),
    ctx,
  );
  return ctx.reshape(dx, [height, width, batch, channels]);
}

function filterGradient(conv: Convolution, x: Logical, dy: Logical, ctx: LowerContext): Value {
  return overParts(
    conv,
    (parts) => {
      const { h, w } = parts;
      const large = ctx.op('Transpose', [transformedLarge(conv, x, parts, ctx)], { perm: [0, 1, 3, 2] });
      const products = ctx.op('MatMul', [large, transformedSmall(conv, dy, parts, ctx)]);
      return alongRows(
        products,
        kronecker(transpose(h.filter), transpose(w.filter)),
        h.stride * w.stride * conv.channels * conv.outChannels,
        ctx,
      );
    },
    (value) => value,
    ctx,
  );
}

/** Cost of moving one float through memory, in multiply-adds, as measured around products on 2 threads. */
const MOVE = 12;

/** Cost of the nodes of each further pair of parts, in millions of multiply-adds. */
const PART = 1;

function cost(conv: Convolution): number {
  const { h, w } = planOf(conv);
  const total = (parts: readonly Tiling[], of: (part: Tiling) => number): number =>
    parts.reduce((n, part) => n + of(part), 0);
  const both = (of: (part: Tiling) => number): number => total(h, of) * total(w, of);
  const inner = conv.batch * both(({ points, tiles }) => points * tiles);
  const classes = conv.height.stride * conv.width.stride;
  const products = inner * classes * conv.channels * conv.outChannels;
  const moved =
    inner * (classes * conv.channels * 2 + conv.outChannels) +
    both(({ points }) => points) * classes * conv.channels * conv.outChannels;
  return (products + MOVE * moved) / 1e6 + PART * (h.length * w.length - 1);
}

const fitsAxis = ({ kernel, stride, small }: Axis): boolean =>
  kernel % stride === 0 && kernel / stride <= 4 && small >= 1;

/** Winograd's algorithm for kernels of one to four times the stride. */
export const winograd: ConvAlgorithm = {
  name: 'winograd',
  fits: (conv) => fitsAxis(conv.height) && fitsAxis(conv.width) && Math.min(conv.channels, conv.outChannels) >= 4,
  cost,
  forward,
  inputGradient,
  filterGradient,
  large: HWNC,
};
