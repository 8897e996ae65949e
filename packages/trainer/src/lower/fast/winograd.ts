// Convolution by products of transformed tiles: F(m, r) along both axes. The constant matrices that cut and join tiles are core's (core/src/onnx/fast/tiling.ts).
import { byClass, tiling, transpose, type Axis, type Matrix, type Tiling, type Value } from '@forja/core/onnx';
import type { LowerContext, Logical } from '../contract.js';
import { alongBoth, alongBothBack, alongRows } from './apply.js';
import { HWNC, shared, type ConvAlgorithm, type Convolution } from './contract.js';

/** Largest tile; with 3 taps, F(4, 3) already costs a digit. */
const LARGEST = 4;

/** The tile that needs fewest products; of equals, the smaller one. */
function tileOf(axis: Axis): number {
  const taps = axis.kernel / axis.stride;
  if (taps === 1) return 1;
  const products = (m: number): number => Math.ceil(axis.small / m) * (m + taps - 1);
  let best = 1;
  for (let m = 2; m <= LARGEST; m++) if (products(m) < products(best)) best = m;
  return best;
}

interface Plan {
  h: Tiling;
  w: Tiling;
  key: string;
}

const plans = new WeakMap<Convolution, Plan>();

function planOf(conv: Convolution): Plan {
  const known = plans.get(conv);
  if (known !== undefined) return known;
  const [mh, mw] = [tileOf(conv.height), tileOf(conv.width)];
  const text = ({ large, small, kernel, stride, before }: Axis, m: number): string => [large, small, kernel, stride, before, m].join(',');
  const plan = { h: tiling(conv.height, mh), w: tiling(conv.width, mw), key: `winograd ${text(conv.height, mh)};${text(conv.width, mw)}` };
  plans.set(conv, plan);
  return plan;
}

/** Kronecker product of two matrices. */
function kronecker(a: Matrix, b: Matrix): number[][] {
  return a.flatMap((row) => b.map((other) => row.flatMap((x) => other.map((y) => x * y))));
}

/** x as [kh, kw, th·tw·N, s·s·C]: one product for each pair of points. */
function transformedLarge(conv: Convolution, x: Logical, ctx: LowerContext): Value {
  const { h, w, key } = planOf(conv);
  const { batch, channels } = conv;
  const stored = ctx.get(x, HWNC);
  return shared(stored, `${key} large`, () => {
    const tiles = ctx.reshape(alongBoth(stored, h.data, w.data, batch * channels, ctx), [h.points, h.tiles, h.stride, w.points, w.tiles, w.stride, batch, channels]);
    const grouped = ctx.op('Transpose', [tiles], { perm: [0, 3, 1, 4, 6, 2, 5, 7] });
    return ctx.reshape(grouped, [h.points, w.points, h.tiles * w.tiles * batch, h.stride * w.stride * channels]);
  });
}

/** dy as [kh, kw, th·tw·N, Co]: the adjoint of what makes outputs of products. */
function transformedSmall(conv: Convolution, dy: Logical, ctx: LowerContext): Value {
  const { h, w, key } = planOf(conv);
  const { batch, outChannels } = conv;
  const stored = ctx.get(dy, HWNC);
  return shared(stored, `${key} small`, () => {
    const tiles = alongBoth(stored, transpose(h.output), transpose(w.output), batch * outChannels, ctx);
    return ctx.reshape(exchanged(tiles, [h.points, h.tiles, w.points, w.tiles * batch * outChannels], ctx), [h.points, w.points, h.tiles * w.tiles * batch, outChannels]);
  });
}

/** The filter as [kh, kw, s·s·C, Co]. */
function transformedFilter(conv: Convolution, filter: Value, ctx: LowerContext): Value {
  const { h, w, key } = planOf(conv);
  const columns = h.stride * w.stride * conv.channels * conv.outChannels;
  return shared(filter, `${key} filter`, () => {
    const points = alongRows(filter, kronecker(h.filter, w.filter), columns, ctx);
    return ctx.reshape(points, [h.points, w.points, columns / conv.outChannels, conv.outChannels]);
  });
}

/** The two middle axes of four exchanged: (k, t, k, t) to (k, k, t, t) and back, in blocks as large as the rest. */
function exchanged(value: Value, sizes: readonly [number, number, number, number], ctx: LowerContext): Value {
  const [, a, b] = sizes;
  return a === 1 || b === 1 ? value : ctx.op('Transpose', [ctx.reshape(value, sizes)], { perm: [0, 2, 1, 3] });
}

function forward(conv: Convolution, x: Logical, filter: Value, ctx: LowerContext): Value {
  const { h, w } = planOf(conv);
  const { batch, outChannels } = conv;
  const products = ctx.op('MatMul', [transformedLarge(conv, x, ctx), transformedFilter(conv, filter, ctx)]);
  const tiles = exchanged(products, [h.points, w.points, h.tiles, w.tiles * batch * outChannels], ctx);
  const y = alongBothBack(tiles, h.output, w.output, batch * outChannels, ctx);
  return ctx.reshape(y, [conv.height.small, conv.width.small, batch, outChannels]);
}

/** Each class of pixels has products of its own, so that what is put in order afterwards are blocks of N·C, not of C. */
function inputGradient(conv: Convolution, dy: Logical, filter: Value, ctx: LowerContext): Value {
  const { h, w } = planOf(conv);
  const { batch, channels, outChannels } = conv;
  const points = ctx.reshape(transformedFilter(conv, filter, ctx), [h.points, w.points, h.stride * w.stride, channels, outChannels]);
  const rows = ctx.reshape(transformedSmall(conv, dy, ctx), [h.points, w.points, 1, h.tiles * w.tiles * batch, outChannels]);
  const products = ctx.op('MatMul', [rows, ctx.op('Transpose', [points], { perm: [0, 1, 2, 4, 3] })]);
  const split = ctx.reshape(products, [h.points, w.points, h.stride, w.stride, h.tiles, w.tiles * batch * channels]);
  const tiles = ctx.op('Transpose', [split], { perm: [0, 2, 4, 1, 3, 5] });
  const dx = alongBothBack(tiles, transpose(byClass(h)), transpose(byClass(w)), batch * channels, ctx);
  return ctx.reshape(dx, [conv.height.large, conv.width.large, batch, channels]);
}

function filterGradient(conv: Convolution, x: Logical, dy: Logical, ctx: LowerContext): Value {
  const { h, w } = planOf(conv);
  const columns = h.stride * w.stride * conv.channels * conv.outChannels;
  const large = ctx.op('Transpose', [transformedLarge(conv, x, ctx)], { perm: [0, 1, 3, 2] });
  const products = ctx.op('MatMul', [large, transformedSmall(conv, dy, ctx)]);
  return alongRows(products, kronecker(transpose(h.filter), transpose(w.filter)), columns, ctx);
}

/** Multiply-adds that moving one float through memory costs, as measured around products of 2 threads. */
const MOVE = 12;

function cost(conv: Convolution): number {
  const { h, w } = planOf(conv);
  const [kh, kw] = [h.points * h.tiles, w.points * w.tiles];
  const [inner, classes] = [conv.batch * kh * kw, h.stride * w.stride];
  const products = inner * classes * conv.channels * conv.outChannels;
  const moved = inner * (classes * conv.channels * 2 + conv.outChannels) + h.points * w.points * classes * conv.channels * conv.outChannels;
  return (products + MOVE * moved) / 1e6;
}

const fitsAxis = ({ kernel, stride, small }: Axis): boolean => kernel % stride === 0 && kernel / stride <= 3 && small >= 1;

/** Winograd's algorithm for kernels of up to three strides. */
export const winograd: ConvAlgorithm = {
  name: 'winograd',
  fits: (conv) => fitsAxis(conv.height) && fitsAxis(conv.width) && Math.min(conv.channels, conv.outChannels) >= 4,
  cost,
  forward,
  inputGradient,
  filterGradient,
  large: HWNC,
};
