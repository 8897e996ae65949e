// Max and average pooling and their gradients, in NCHW. Averages exclude padding, as in TensorFlow.
import type { Value } from '@forja/core/onnx';
import type { PoolKernel } from '../../kernels/names.js';
import {
  ONNX_DTYPE,
  type BoundCall,
  type KernelLowering,
  type LowerContext,
  type Logical,
  type Perm,
} from '../contract.js';
import { convTranspose } from './conv.js';
import { as, filled, isSize, physical, sameShape, sameSize } from './layout.js';
import {
  dim,
  extent,
  fitted,
  fixed,
  input,
  isUneven,
  output,
  pair,
  pictureAxes,
  product,
  windowAttributes,
  windows,
  type PictureAxes,
  type Window,
} from './spatial.js';
import { total } from './total.js';
import { isStatic, sizeText, type Size } from '../../program/program.js';

// tfjs's pooling kernels support NHWC only.
const AXES: PictureAxes = pictureAxes('NHWC');

function poolWindows(call: BoundCall, ctx: LowerContext, large: Logical, small: Logical): [Window, Window] {
  return windows(call, ctx, large, small, pair(call.attrs['filterSize']), AXES);
}

/** Whether some window may cover only padding; runtimes refuse pools with such windows. */
const mayBeAllPadding = (ws: readonly Window[]): boolean => ws.some((w) => w.pads?.some((p) => p >= extent(w)));

/** Refuses such windows in gradients, which do not pad their input explicitly as {@link poolWithPadding} does. */
function refuseAllPadding(ws: readonly Window[], ctx: LowerContext): void {
  if (mayBeAllPadding(ws)) ctx.unsupported('the gradient of pooling with padding as wide as its window');
}

/**
 * A pool. If a window may cover only padding, or the padding is dynamic, the input is padded explicitly first. A
 * maximum over nothing is -∞; an average over nothing is 0 / 0, or 0 in a volume, as in tfjs.
 */
export function poolWithPadding(
  op: 'MaxPool' | 'AveragePool',
  x: Value,
  ws: readonly Window[],
  ctx: LowerContext,
): Value {
  if (!mayBeAllPadding(ws) && !isUneven(ws))
    return op === 'MaxPool'
      ? ctx.op(op, [x], windowAttributes(ws, ctx))
      : ctx.op(op, [x], { ...windowAttributes(ws, ctx), count_include_pad: 0 });
  const { value: padded, ws: within } = fitted(x, ws, ctx, op === 'MaxPool' ? -Infinity : 0);
  const attributes = windowAttributes(within, ctx);
  const separate = unfused(padded, ctx);
  if (op === 'MaxPool') {
    // onnxruntime returns the lowest finite float as the maximum of -∞.
    const greatest = ctx.op('MaxPool', [separate], attributes);
    return ctx.op('Where', [ctx.op('LessOrEqual', [greatest, ctx.scalar(LEAST)]), ctx.scalar(-Infinity), greatest]);
  }
  const cells = ws.reduce((n, w) => n * w.kernel, 1);
  const averages = ctx.op('AveragePool', [separate], { ...attributes, count_include_pad: 0 });
  const least = ws.length === 3 ? 1 : 0;
  if (ws.every((w) => isStatic(w.large) && isStatic(w.small)))
    return ctx.op('Mul', [ctx.op('Mul', [averages, ctx.scalar(cells)]), inverseCounts(ws, ctx, least)]);
  const { value: inside } = fitted(filled(1, 'float32', [1, 1, ...ws.map((w) => w.large)], ctx), ws, ctx);
  const shares = ctx.op('AveragePool', [unfused(inside, ctx)], { ...attributes, count_include_pad: 0 });
  return ctx.op('Div', [averages, least === 0 ? shares : ctx.op('Max', [shares, ctx.scalar(least / cells)])]);
}

/** The lowest finite float32. */
const LEAST = -3.4028234663852886e38;

/**
 * Passes the values on through a Clip from -∞ to ∞, which keeps onnxruntime from fusing a Pad into the pooling after it
 * (seen in 1.30). That fusion is wrong: it treats the padded values as the pooling's own padding, which a maximum
 * excludes and which may not exceed the window. The bounds are given because the default ones are finite.
 */
const unfused = (padded: Value, ctx: LowerContext): Value =>
  padded.dtype === 'float32'
    ? ctx.op('Clip', [padded, ctx.scalar(-Infinity), ctx.scalar(Infinity)])
    : ctx.op('Clip', [padded]);

/** The picture in NCHW, or a volume in NCDHW. */
export function pictureOf(x: Logical, ctx: LowerContext, order: Perm = AXES.nchw): Value {
  const picture = ctx.get(x, order);
  return ctx.comesFrom(picture, 'Pad') ? unfused(picture, ctx) : picture;
}

/** For windows of one cell that keep the size, tfjs returns the picture unchanged, whatever strides and padding say. */
const untouched = (x: Logical, y: Logical, call: BoundCall): boolean =>
  sizePair(call.attrs['filterSize']).every((n) => n === 1) && sameShape(x.shape, y.shape);

/**
 * Pools with windows of dynamic size. ONNX has no such pools, but if the windows cover the picture or tile it, the
 * picture can be cut into windows and reduced. Undefined for windows of fixed size, except averages of a large picture:
 * onnxruntime's pools add up all pixels in one float32 sum, which loses precision (see total.ts).
 */
function bySize(op: 'Max' | 'Mean', x: Logical, y: Logical, call: BoundCall, ctx: LowerContext): Value | undefined {
  const [kernels, strides] = [
    sizePair(call.attrs['filterSize']),
    sizePair(call.attrs['strides'] ?? call.attrs['filterSize']),
  ];
  const axes = AXES.spatial.map((axis, i) => ({
    large: dim(x, axis),
    small: dim(y, axis),
    kernel: kernels[i] ?? 1,
    stride: strides[i] ?? 1,
  }));
  const whole = axes.every(({ large, small, kernel }) => small === 1 && sameSize(kernel, large));
  const pixels = kernels.filter(isStatic).reduce((product, n) => product * n, 1);
  const large = whole && op === 'Mean' && pixels > MANY_PIXELS;
  if (!large && [...kernels, ...strides].every(isStatic)) return undefined;
  if (whole && op === 'Max') return ctx.op('GlobalMaxPool', [pictureOf(x, ctx)]);
  if (whole) return total('ReduceMean', ctx.get(x, AXES.nchw), physical(x.shape, AXES.nchw), [2, 3], 1, ctx);
  const adjacent = axes.every(
    ({ large, small, kernel, stride }) =>
      (small === 1 || sameSize(kernel, stride)) &&
      (call.attrs['pad'] === 'valid' || call.attrs['pad'] === 0 || sameSize(large, product([small, kernel]))),
  );
  if (!adjacent)
    return ctx.unsupported(
      `a window of ${kernels.map(sizeText).join(' x ')} that depends on a dynamic dim and neither ` +
        'covers the picture nor tiles it; fix that dim',
    );
  const rest = axes.flatMap(({ large, small, kernel }, i) =>
    sameSize(large, product([small, kernel])) ? [] : [{ axis: i + 2, end: product([small, kernel]) }],
  );
  const picture = ctx.get(x, AXES.nchw);
  const cut =
    rest.length === 0
      ? picture
      : ctx.op('Slice', [
          picture,
          ctx.int64s(rest.map(() => 0)),
          ctx.sizes(rest.map(({ end }) => end)),
          ctx.int64s(rest.map(({ axis }) => axis)),
        ]);
  const sizes = [dim(x, 0), dim(x, AXES.channel), ...axes.flatMap(({ small, kernel }) => [small, kernel])];
  const tiles = ctx.reshape(cut, sizes);
  return op === 'Max'
    ? ctx.op('ReduceMax', [tiles, ctx.int64s([3, 5])], { keepdims: 0 })
    : total('ReduceMean', tiles, sizes, [3, 5], 0, ctx);
}

/** From this many pixels on, a pool's sum is off by 1e-5 and more. */
const MANY_PIXELS = 64 * 64;

function sizePair(value: unknown): [Size, Size] {
  if (isSize(value)) return [value, value];
  return Array.isArray(value) && isSize(value[0]) ? [value[0], isSize(value[1]) ? value[1] : value[0]] : [1, 1];
}

const MaxPool: KernelLowering<'MaxPool'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  if (untouched(x, y, call)) return ctx.alias(y, x);
  return ctx.set(
    y,
    bySize('Max', x, y, call, ctx) ?? poolWithPadding('MaxPool', pictureOf(x, ctx), poolWindows(call, ctx, x, y), ctx),
    AXES.nchw,
  );
};

const AvgPool: KernelLowering<'AvgPool'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  if (untouched(x, y, call)) return ctx.alias(y, x);
  return ctx.set(
    y,
    bySize('Mean', x, y, call, ctx) ??
      poolWithPadding('AveragePool', pictureOf(x, ctx), poolWindows(call, ctx, x, y), ctx),
    AXES.nchw,
  );
};

/** Whether windows tile the picture without overlap, gap or padding; `rest` is the remainder at the end. */
function tiling(ws: readonly [Window, Window]): { rest: [number, number] } | undefined {
  const rest = ws.map((w) =>
    w.kernel === w.stride && w.dilation === 1 && w.pads !== undefined && w.pads[0] === 0 && w.pads[1] <= 0
      ? -w.pads[1]
      : undefined,
  );
  const [h, w] = rest;
  return h === undefined || w === undefined ? undefined : { rest: [h, w] };
}

function padEnd(value: Value, rest: readonly [number, number], ctx: LowerContext): Value {
  return rest.some((r) => r !== 0) ? ctx.op('Pad', [value, ctx.int64s([0, 0, 0, 0, 0, 0, ...rest])]) : value;
}

/**
 * Each gradient is spread over the cells of x that its window averaged. Padding is excluded, which stock tfjs-cpu gets
 * wrong.
 */
const AvgPoolGrad: KernelLowering<'AvgPoolGrad'> = (call, ctx) => {
  const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'input', ctx), output(call, ctx)];
  const ws = poolWindows(call, ctx, x, dy);
  refuseAllPadding(ws, ctx);
  const [h, w] = ws;
  const tiles = tiling(ws);
  const slopes = ctx.get(dy, AXES.nchw);
  if (tiles !== undefined) {
    const share = ctx.op('Mul', [slopes, ctx.scalar(1 / (h.kernel * w.kernel))]);
    const spread =
      h.kernel * w.kernel === 1
        ? share
        : ctx.op('Resize', [share, undefined, ctx.constant('float32', [4], [1, 1, h.kernel, w.kernel])], {
            mode: 'nearest',
            coordinate_transformation_mode: 'asymmetric',
            nearest_mode: 'floor',
          });
    ctx.set(dx, padEnd(spread, tiles.rest, ctx), AXES.nchw);
    return;
  }
  const channels = fixed(dim(x, 3), 'channels', ctx);
  const padded = ws.some((one) => one.pads === undefined || one.pads[0] > 0 || one.pads[1] > 0);
  const weighted = padded ? ctx.op('Mul', [slopes, inverseCounts(ws, ctx)]) : slopes;
  const ones = ctx.constant(
    'float32',
    [channels, 1, h.kernel, w.kernel],
    new Array<number>(channels * h.kernel * w.kernel).fill(padded ? 1 : 1 / (h.kernel * w.kernel)),
  );
  ctx.set(dx, convTranspose(weighted, ones, ws, ctx, channels), AXES.nchw);
};

/** 1 / (cells inside the picture or volume), by output position. A window counts at least `least` cells. */
export function inverseCounts(ws: readonly Window[], ctx: LowerContext, least = 0): Value {
  const counts = ws.map((w) => {
    const [large, small] = [
      fixed(w.large, 'spatial size of a padded average pool', ctx),
      fixed(w.small, 'spatial size of a padded average pool', ctx),
    ];
    const before = w.pads?.[0] ?? 0;
    return Array.from({ length: small }, (_, i) =>
      Math.max(0, Math.min(large, i * w.stride - before + extent(w)) - Math.max(0, i * w.stride - before)),
    );
  });
  const cells = counts.reduce<number[]>((outer, inner) => outer.flatMap((a) => inner.map((b) => a * b)), [1]);
  return ctx.constant(
    'float32',
    counts.map(({ length }) => length),
    cells.map((n) => 1 / Math.max(n, least)),
  );
}

/**
 * Each gradient is added at the first maximum of its window, with a scatter that uses MaxPool's flat indices. In
 * onnxruntime on CPU this is as fast as comparing the picture with its upsampled maxima (64×64×28², 2 cores: 21 ms;
 * with strided taps 36 ms; with Resize, Equal and Where 27 ms), and correct for ties and overlaps.
 */
const MaxPoolGrad: KernelLowering<'MaxPoolGrad'> = (call, ctx) => {
  const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'input', ctx), output(call, ctx)];
  const ws = poolWindows(call, ctx, x, dy);
  ctx.set(
    dx,
    scatterMaxima(
      pictureOf(x, ctx),
      ctx.get(dy, AXES.nchw),
      AXES.nchw.map((axis) => dim(dx, axis)),
      ws,
      ctx,
    ),
    AXES.nchw,
  );
};

/** Scatters gradients to the positions of the maxima of x, which is stored as (N, C, …) with these sizes. */
export function scatterMaxima(
  x: Value,
  slopes: Value,
  sizes: readonly Size[],
  ws: readonly Window[],
  ctx: LowerContext,
): Value {
  refuseAllPadding(ws, ctx);
  const [, indices] = ctx.ops('MaxPool', [x], windowAttributes(ws, ctx), 2);
  if (indices === undefined) return ctx.unsupported('MaxPool without indices');
  const flat = ctx.int64s([-1]);
  const total = sizes.every(isStatic)
    ? ctx.int64s([sizes.reduce((a, b) => a * b, 1)])
    : ctx.op('Reshape', [ctx.op('Size', [x]), ctx.int64s([1])]);
  const cells = [
    ctx.op('ConstantOfShape', [total]),
    ctx.op('Reshape', [indices, flat]),
    ctx.op('Reshape', [slopes, flat]),
  ];
  const overlap = ws.some((w) => w.stride < w.kernel);
  const scattered = ctx.op('ScatterElements', cells, { axis: 0, ...(overlap ? { reduction: 'add' } : {}) });
  return ctx.reshape(scattered, sizes);
}

/** tfjs numbers cells in NHWC order, ONNX in NCHW order. */
const MaxPoolWithArgmax: KernelLowering<'MaxPoolWithArgmax'> = (call, ctx) => {
  const x = input(call, 'x', ctx);
  const [best, places] = [output(call, ctx), call.outputs[1] ?? ctx.unsupported('the call has no second output')];
  const ws = poolWindows(call, ctx, x, best);
  refuseAllPadding(ws, ctx);
  const picture = as(pictureOf(x, ctx), 'float32', ctx);
  // In tfjs NaN is never the maximum.
  const compared =
    x.dtype === 'float32' ? ctx.op('Where', [ctx.op('IsNaN', [picture]), ctx.scalar(-Infinity), picture]) : picture;
  const [values, indices] = ctx.ops('MaxPool', [compared], windowAttributes(ws, ctx), 2);
  if (values === undefined || indices === undefined) return ctx.unsupported('MaxPool without indices');
  const [height, width, channels] = [1, 2, 3].map((axis) =>
    fixed(dim(x, axis), 'size of a picture whose maxima are counted', ctx),
  );
  const area = (height ?? 1) * (width ?? 1);
  const number = (n: number): Value => ctx.constant('int64', [], [n]);
  const depth = ctx.constant(
    'int64',
    [channels ?? 1, 1, 1],
    Array.from({ length: channels ?? 1 }, (_, i) => i),
  );
  const cell = ctx.op('Add', [ctx.op('Mul', [ctx.op('Mod', [indices, number(area)]), number(channels ?? 1)]), depth]);
  const volume = number(area * (channels ?? 1));
  const counted =
    call.attrs['includeBatchInIndex'] === true
      ? ctx.op('Add', [cell, ctx.op('Mul', [ctx.op('Div', [indices, volume]), volume])])
      : cell;
  ctx.set(best, as(values, ONNX_DTYPE[best.dtype], ctx), AXES.nchw);
  ctx.set(places, as(counted, 'int32', ctx), AXES.nchw);
};

/** Lowerings of the pools, by name. */
export const poolKernels: Record<PoolKernel, KernelLowering> = {
  MaxPool,
  AvgPool,
  MaxPoolGrad,
  AvgPoolGrad,
  MaxPoolWithArgmax,
};
