// Three-dimensional convolution and pooling, and their adjoints, as ONNX ops of rank 5: volumes (N, C, D, H, W),
// filters (O, I, D, H, W).
import type { VolumeKernel } from '../../kernels/names.js';
import type { BoundCall, KernelLowering, Logical, LowerContext, Perm } from '../contract.js';
import { convTranspose } from './conv.js';
import { inverseCounts, pictureOf, scatterMaxima, poolWithPadding } from './pool.js';
import { dim, fixed, input, output, windowAlong, windowed, type Window } from './spatial.js';

const NCDHW: Perm = [0, 4, 1, 2, 3];
const CNDHW: Perm = [4, 0, 1, 2, 3];
const OIDHW: Perm = [4, 3, 0, 1, 2];
const SPATIAL = [1, 2, 3] as const;

function triple(value: unknown, fallback: readonly number[]): number[] {
  if (typeof value === 'number') return [value, value, value];
  return Array.isArray(value) ? value.map(Number) : [...fallback];
}

function windows(
  call: BoundCall,
  ctx: LowerContext,
  large: Logical,
  small: Logical,
  kernel: readonly number[],
): Window[] {
  const [strides, dilations] = [triple(call.attrs['strides'], kernel), triple(call.attrs['dilations'], [1, 1, 1])];
  return SPATIAL.map((axis, i) =>
    windowAlong(call, ctx, large, small, axis, {
      kernel: kernel[i] ?? 1,
      stride: strides[i] ?? 1,
      dilation: dilations[i] ?? 1,
    }),
  );
}

const filterSize = (filter: Logical, ctx: LowerContext): number[] =>
  [0, 1, 2].map((axis) => fixed(dim(filter, axis), 'size of the filter', ctx));

const Conv3D: KernelLowering<'Conv3D'> = (call, ctx) => {
  const [x, filter, y] = [input(call, 'x', ctx), input(call, 'filter', ctx), output(call, ctx)];
  const ws = windows(call, ctx, x, y, filterSize(filter, ctx));
  const { value, attributes } = windowed(ctx.get(x, NCDHW), ws, ctx);
  ctx.set(y, ctx.op('Conv', [value, ctx.get(filter, OIDHW)], attributes), NCDHW);
};

const Conv3DBackpropInputV2: KernelLowering<'Conv3DBackpropInputV2'> = (call, ctx) => {
  const [dy, filter, dx] = [input(call, 'dy', ctx), input(call, 'filter', ctx), output(call, ctx)];
  const ws = windows(call, ctx, dx, dy, filterSize(filter, ctx));
  ctx.set(dx, convTranspose(ctx.get(dy, NCDHW), ctx.get(filter, OIDHW), ws, ctx), NCDHW);
};

/**
 * Conv of x as [C, N, D, H, W] with dy as weights [Co, N, …]. Its dilation is the forward stride, and its stride the
 * forward dilation.
 */
const Conv3DBackpropFilterV2: KernelLowering<'Conv3DBackpropFilterV2'> = (call, ctx) => {
  const [x, dy, dw] = [input(call, 'x', ctx), input(call, 'dy', ctx), output(call, ctx)];
  const ws = windows(call, ctx, x, dy, filterSize(dw, ctx));
  const pads = ws.map((w) => w.pads ?? ctx.unsupported('filter gradient with a dynamic spatial size'));
  const attributes = {
    kernel_shape: ws.map((w) => fixed(w.small, 'size of dy', ctx)),
    strides: ws.map((w) => w.dilation),
    dilations: ws.map((w) => w.stride),
    pads: [...pads.map(([before]) => Math.max(0, before)), ...pads.map(([, after]) => Math.max(0, after))],
  };
  // A negative `before` is what tfjs's `same` crops at the front.
  const ahead = pads.map(([before]) => Math.max(0, -before));
  const volume = ctx.get(x, CNDHW);
  const seen = ahead.some((p) => p > 0)
    ? ctx.op('Slice', [
        volume,
        ctx.int64s(ahead),
        ctx.int64s(ws.map((w) => fixed(w.large, 'size of x', ctx))),
        ctx.int64s([2, 3, 4]),
      ])
    : volume;
  const full = ctx.op('Conv', [seen, ctx.get(dy, CNDHW)], attributes);
  // A negative `after` is a remainder of x that no window covered: the result is too large by that amount.
  const crop = pads.some(([, after]) => after < 0);
  ctx.set(
    dw,
    crop
      ? ctx.op('Slice', [full, ctx.int64s([0, 0, 0]), ctx.int64s(ws.map((w) => w.kernel)), ctx.int64s([2, 3, 4])])
      : full,
    [3, 4, 0, 1, 2],
  );
};

const poolWindows = (call: BoundCall, ctx: LowerContext, large: Logical, small: Logical): Window[] =>
  windows(call, ctx, large, small, triple(call.attrs['filterSize'], [1, 1, 1]));

const MaxPool3D: KernelLowering<'MaxPool3D'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  ctx.set(y, poolWithPadding('MaxPool', pictureOf(x, ctx, NCDHW), poolWindows(call, ctx, x, y), ctx), NCDHW);
};

const AvgPool3D: KernelLowering<'AvgPool3D'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  ctx.set(y, poolWithPadding('AveragePool', pictureOf(x, ctx, NCDHW), poolWindows(call, ctx, x, y), ctx), NCDHW);
};

/**
 * Spreads each gradient over the cells of x that its window averaged, without the padding. (tfjs's forward kernel
 * excludes padding too, but its gradient kernel counts it.)
 */
const AvgPool3DGrad: KernelLowering<'AvgPool3DGrad'> = (call, ctx) => {
  const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'input', ctx), output(call, ctx)];
  const ws = poolWindows(call, ctx, x, dy);
  const channels = fixed(dim(x, 4), 'channels', ctx);
  const weighted = ctx.op('Mul', [ctx.get(dy, NCDHW), inverseCounts(ws, ctx)]);
  const kernel = ws.map((w) => w.kernel);
  const ones = ctx.constant(
    'float32',
    [channels, 1, ...kernel],
    new Array<number>(channels * kernel.reduce((a, b) => a * b, 1)).fill(1),
  );
  ctx.set(dx, convTranspose(weighted, ones, ws, ctx, channels), NCDHW);
};

const MaxPool3DGrad: KernelLowering<'MaxPool3DGrad'> = (call, ctx) => {
  const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'input', ctx), output(call, ctx)];
  const ws = poolWindows(call, ctx, x, dy);
  ctx.set(
    dx,
    scatterMaxima(
      pictureOf(x, ctx, NCDHW),
      ctx.get(dy, NCDHW),
      NCDHW.map((axis) => dim(dx, axis)),
      ws,
      ctx,
    ),
    NCDHW,
  );
};

/** Lowerings of the three-dimensional kernels, by name. */
export const volumeKernels: Record<VolumeKernel, KernelLowering> = {
  AvgPool3D,
  AvgPool3DGrad,
  Conv3D,
  Conv3DBackpropFilterV2,
  Conv3DBackpropInputV2,
  MaxPool3D,
  MaxPool3DGrad,
};
