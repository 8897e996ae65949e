// Max and average pooling and their gradients, in NCHW. Averages leave out the padding, as TF's do.
import type { Value } from '@forja/core/onnx';
import type { BoundCall, KernelLowering, KernelTable, LowerContext, Logical } from '../contract.js';
import { convTranspose } from './conv.js';
import { dim, extent, fixed, input, output, pair, pictureAxes, windowAttributes, windows, type PictureAxes, type Window } from './spatial.js';
import { isStatic } from '../../trace/program.js';

// tfjs's pooling kernels take NHWC only.
const AXES: PictureAxes = pictureAxes('NHWC');

function poolWindows(call: BoundCall, ctx: LowerContext, large: Logical, small: Logical): [Window, Window] {
  const ws = windows(call, ctx, large, small, pair(call.attrs['filterSize']), AXES);
  // A window of nothing but padding has no maximum and no average; runtimes refuse it.
  if (ws.some((w) => w.pads?.some((p) => p >= w.kernel))) ctx.unsupported('pooling with padding as wide as its window');
  return ws;
}

/**
 * The picture in NCHW. onnxruntime joins a Pad and the pooling behind it, and gets that wrong: it takes the zeros for the pooling's own padding, which a
 * maximum leaves out, and cannot have more of it than a window (seen in 1.30). A Clip without bounds keeps them apart.
 */
function pictureOf(x: Logical, ctx: LowerContext): Value {
  const picture = ctx.get(x, AXES.nchw);
  return ctx.comesFrom(picture, 'Pad') ? ctx.op('Clip', [picture]) : picture;
}

const MaxPool: KernelLowering = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  ctx.set(y, ctx.op('MaxPool', [pictureOf(x, ctx)], windowAttributes(poolWindows(call, ctx, x, y), ctx)), AXES.nchw);
};

const AvgPool: KernelLowering = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const attributes = windowAttributes(poolWindows(call, ctx, x, y), ctx);
  ctx.set(y, ctx.op('AveragePool', [pictureOf(x, ctx)], { ...attributes, count_include_pad: 0 }), AXES.nchw);
};

/** Whether windows tile the picture: no overlap, no gap, no padding; what is left at the end is in `rest`. */
function tiling(ws: readonly [Window, Window]): { rest: [number, number] } | undefined {
  const rest = ws.map((w) => (w.kernel === w.stride && w.dilation === 1 && w.pads !== undefined && w.pads[0] === 0 && w.pads[1] <= 0 ? -w.pads[1] : undefined));
  const [h, w] = rest;
  return h === undefined || w === undefined ? undefined : { rest: [h, w] };
}

function padEnd(value: Value, rest: readonly [number, number], ctx: LowerContext): Value {
  return rest.some((r) => r !== 0) ? ctx.op('Pad', [value, ctx.int64s([0, 0, 0, 0, 0, 0, ...rest])]) : value;
}

/** Each slope is spread over the cells of x that its window averaged (padding excluded, which stock tfjs-cpu gets wrong). */
const AvgPoolGrad: KernelLowering = (call, ctx) => {
  const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'input', ctx), output(call, ctx)];
  const ws = poolWindows(call, ctx, x, dy);
  const [h, w] = ws;
  const tiles = tiling(ws);
  const slopes = ctx.get(dy, AXES.nchw);
  if (tiles !== undefined) {
    const share = ctx.op('Mul', [slopes, ctx.scalar(1 / (h.kernel * w.kernel))]);
    const spread = h.kernel * w.kernel === 1 ? share : ctx.op('Resize', [share, undefined, ctx.constant('float32', [4], [1, 1, h.kernel, w.kernel])], { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' });
    ctx.set(dx, padEnd(spread, tiles.rest, ctx), AXES.nchw);
    return;
  }
  const channels = fixed(dim(x, 3), 'channels', ctx);
  const padded = ws.some((one) => one.pads === undefined || one.pads[0] > 0 || one.pads[1] > 0);
  const weighted = padded ? ctx.op('Mul', [slopes, inverseCounts(ws, ctx)]) : slopes;
  const ones = ctx.constant('float32', [channels, 1, h.kernel, w.kernel], new Array<number>(channels * h.kernel * w.kernel).fill(padded ? 1 : 1 / (h.kernel * w.kernel)));
  ctx.set(dx, convTranspose(weighted, ones, ws, ctx, channels), AXES.nchw);
};

/** 1 / (cells inside the picture), by output position. */
function inverseCounts(ws: readonly [Window, Window], ctx: LowerContext): Value {
  const [rows = [], columns = []] = ws.map((w) => {
    const [large, small] = [fixed(w.large, 'spatial size of a padded average pool', ctx), fixed(w.small, 'spatial size of a padded average pool', ctx)];
    const before = w.pads?.[0] ?? 0;
    return Array.from({ length: small }, (_, i) => Math.min(large, i * w.stride - before + extent(w)) - Math.max(0, i * w.stride - before));
  });
  return ctx.constant('float32', [rows.length, columns.length], rows.flatMap((r) => columns.map((c) => 1 / (r * c))));
}

/**
 * The whole slope goes to the first maximum of each window: MaxPool's own flat indices, and a scatter. In onnxruntime on CPU this is as fast as
 * comparing the picture with its upsampled maxima (64×64×28², 2 cores: 21 ms; by strided taps 36, by Resize, Equal and Where 27), and right for ties and overlaps.
 */
const MaxPoolGrad: KernelLowering = (call, ctx) => {
  const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'input', ctx), output(call, ctx)];
  const ws = poolWindows(call, ctx, x, dy);
  const picture = pictureOf(x, ctx);
  const [, indices] = ctx.ops('MaxPool', [picture], windowAttributes(ws, ctx), 2);
  if (indices === undefined) return ctx.unsupported('MaxPool without indices');
  const flat = ctx.int64s([-1]);
  const nchw = AXES.nchw.map((axis) => dim(dx, axis));
  const total = nchw.every(isStatic) ? ctx.int64s([nchw.reduce((a, b) => a * b, 1)]) : ctx.op('Reshape', [ctx.op('Size', [picture]), ctx.int64s([1])]);
  const cells = [ctx.op('ConstantOfShape', [total]), ctx.op('Reshape', [indices, flat]), ctx.op('Reshape', [ctx.get(dy, AXES.nchw), flat])];
  const overlap = ws.some((w) => w.stride < w.kernel);
  const scattered = ctx.op('ScatterElements', cells, { axis: 0, ...(overlap ? { reduction: 'add' } : {}) });
  ctx.set(dx, ctx.reshape(scattered, nchw), AXES.nchw);
};

/** Pooling rows. */
export const poolKernels: KernelTable = {
  MaxPool,
  AvgPool,
  MaxPoolGrad,
  AvgPoolGrad,
};
