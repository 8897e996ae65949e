// Convolution and its two adjoints as plain ONNX: Conv, ConvTranspose (also the transposed layer) and the filter
// gradient. Pictures NCHW, filters OIHW. Fused bias and activation are in fused.ts; Winograd and other layouts belong
// to the `fast` target, not here.
import type { Value } from '@forja/core/onnx';
import type { ConvolutionKernel } from '../../kernels/names.js';
import type { BoundCall, KernelLowering, LowerContext, Logical } from '../contract.js';
import {
  dim,
  extent,
  fixed,
  input,
  OIHW,
  output,
  pictureAxes,
  plus,
  windowed,
  windows,
  type PictureAxes,
  type Window,
} from './spatial.js';
import { convShape } from '../../trace/shapes/window.js';
import { isStatic, type Size } from '../../program/size.js';

/** Kernel height and width of an HWIO filter. */
export function kernelSize(filter: Logical, ctx: LowerContext): [number, number] {
  return [fixed(dim(filter, 0), 'filter height', ctx), fixed(dim(filter, 1), 'filter width', ctx)];
}

/** The Conv node of a Conv2D or FusedConv2D call, in NCHW. `bias` is one-dimensional. */
export function conv(call: BoundCall, ctx: LowerContext, bias?: Value): { value: Value; axes: PictureAxes } {
  const [x, filter, y] = [input(call, 'x', ctx), input(call, 'filter', ctx), output(call, ctx)];
  const axes = pictureAxes(call.attrs['dataFormat']);
  const ws = windows(call, ctx, x, y, kernelSize(filter, ctx), axes);
  const { value, attributes } = windowed(ctx.get(x, axes.nchw), ws, ctx);
  return {
    value: ctx.op('Conv', [value, ctx.get(filter, OIHW), ...(bias === undefined ? [] : [bias])], attributes),
    axes,
  };
}

const Conv2D: KernelLowering<'Conv2D'> = (call, ctx) => {
  const { value, axes } = conv(call, ctx);
  ctx.set(output(call, ctx), value, axes.nchw);
};

/**
 * A ConvTranspose whose result has exactly the size `large`, including any remainder of tfjs's padding. If pads depend
 * on a dynamic size, the result is computed without pads, and a Slice crops it.
 */
export function convTranspose(dy: Value, weights: Value, ws: readonly Window[], ctx: LowerContext, group = 1): Value {
  const [begin, end, outputPadding, extra, ahead] = [
    ws.map(() => 0),
    ws.map(() => 0),
    ws.map(() => 0),
    ws.map(() => 0),
    ws.map(() => 0),
  ];
  const cut: { axis: number; from: Size; to: Size }[] = [];
  ws.forEach((w, i) => {
    if (!w.amounts.every(isStatic) || w.pads === undefined) {
      if (w.pads === undefined && !w.auto && ws.length > 2)
        ctx.unsupported(
          `'same' padding of a dynamic size with stride ${w.stride} over a window of ${extent(w)} in a volume; ` +
            'fix that size',
        );
      // Rows that no window covers are zero; there are fewer of them than the stride.
      outputPadding[i] = w.stride - 1;
      cut.push({ axis: i + 2, from: w.amounts[0], to: plus(w.amounts[0], w.large) });
      return;
    }
    begin[i] = Math.max(0, w.pads[0]);
    ahead[i] = Math.max(0, -w.pads[0]);
    end[i] = Math.max(0, w.pads[1]);
    const missing = Math.max(0, -w.pads[1]);
    // ONNX requires output_padding below the stride; anything beyond is padded with zeros.
    if (missing < Math.max(w.stride, w.dilation)) outputPadding[i] = missing;
    else extra[i] = missing;
  });
  const attributes: Parameters<typeof ctx.op<'ConvTranspose'>>[2] = {
    kernel_shape: ws.map((w) => w.kernel),
    strides: ws.map((w) => w.stride),
  };
  if (ws.some((w) => w.dilation !== 1)) attributes.dilations = ws.map((w) => w.dilation);
  if ([...begin, ...end].some((p) => p !== 0)) attributes.pads = [...begin, ...end];
  if (outputPadding.some((p) => p !== 0)) attributes.output_padding = outputPadding;
  if (group !== 1) attributes.group = group;
  const dx = ctx.op('ConvTranspose', [dy, weights], attributes);
  const whole = [...ahead, ...extra].some((p) => p !== 0)
    ? ctx.op('Pad', [dx, ctx.int64s([0, 0, ...ahead, 0, 0, ...extra])])
    : dx;
  if (cut.length === 0) return whole;
  return ctx.op('Slice', [
    whole,
    ctx.sizes(cut.map(({ from }) => from)),
    ctx.sizes(cut.map(({ to }) => to)),
    ctx.int64s(cut.map(({ axis }) => axis)),
  ]);
}

/**
 * Refuses a `dy` whose size is not the forward convolution's output size: tfjs accepts larger ones and ignores the
 * rest.
 */
function refuseSurplus(call: BoundCall, dx: Logical, dy: Logical, filter: Logical, ctx: LowerContext): void {
  const [large, small, window] = [dx.shape, dy.shape, filter.shape];
  if (!large.every(isStatic) || !small.every(isStatic) || !window.every(isStatic)) return;
  const made = convShape('Conv2DBackpropInput', large, window, call.attrs, false);
  if (made.join() !== small.join())
    ctx.unsupported(
      `expected a gradient dy of shape [${made.join(', ')}] for an input [${large.join(', ')}], got ` +
        `[${small.join(', ')}]`,
    );
}

const Conv2DBackpropInput: KernelLowering<'Conv2DBackpropInput'> = (call, ctx) => {
  const [dy, filter, dx] = [input(call, 'dy', ctx), input(call, 'filter', ctx), output(call, ctx)];
  const axes = pictureAxes(call.attrs['dataFormat']);
  const ws = windows(call, ctx, dx, dy, kernelSize(filter, ctx), axes);
  refuseSurplus(call, dx, dy, filter, ctx);
  // The filter as the forward convolution stores it: its (out, in, h, w) is ConvTranspose's (in, out, h, w).
  ctx.set(dx, convTranspose(ctx.get(dy, axes.nchw), ctx.get(filter, OIHW), ws, ctx), axes.nchw);
};

/**
 * From this many input channels, the filter gradient is one Gemm over patches; below, a Conv with batch and channels
 * swapped. Measured in onnxruntime (2 cores, batch 64, Conv / Gemm, ms): 3→64 of 32² k4s2 2.0 / 3.7; 64→128 of 16² k4s2
 * 13.9 / 9.9; 64→128 of 14² k5s2 17.8 / 11.9; 64→64 of 14² k3 21.9 / 11.3.
 */
const GEMM_CHANNELS = 16;

const Conv2DBackpropFilter: KernelLowering<'Conv2DBackpropFilter'> = (call, ctx) => {
  const [x, dy, dw] = [input(call, 'x', ctx), input(call, 'dy', ctx), output(call, ctx)];
  const axes = pictureAxes(call.attrs['dataFormat']);
  const ws = windows(call, ctx, x, dy, kernelSize(dw, ctx), axes);
  const channels = fixed(dim(x, axes.channel), 'channels of x', ctx);
  if (channels < GEMM_CHANNELS) filterGradientByConv(x, dy, dw, ws, axes, ctx);
  else filterGradientByGemm(x, dy, dw, ws, axes, ctx);
};

/** dW[co, (kh, kw, ci)] = dYᵀ · patches(x), patches in NHWC so that each row is a few contiguous copies. */
function filterGradientByGemm(
  x: Logical,
  dy: Logical,
  dw: Logical,
  ws: readonly [Window, Window],
  axes: PictureAxes,
  ctx: LowerContext,
): void {
  const [h, w] = ws;
  const [channels, outChannels] = [fixed(dim(dw, 2), 'input channels', ctx), fixed(dim(dw, 3), 'output channels', ctx)];
  const [rows, columns] = [fixed(h.small, 'height of dy', ctx), fixed(w.small, 'width of dy', ctx)];
  const padded = padPicture(ctx.get(x, axes.nhwc), ws, ctx, (top, left, bottom, right) => [
    0,
    top,
    left,
    0,
    0,
    bottom,
    right,
    0,
  ]);
  const spatial = ctx.int64s([1, 2]);
  const steps = ctx.int64s([h.stride, w.stride]);
  const taps: Value[] = [];
  for (let i = 0; i < h.kernel; i++) {
    for (let j = 0; j < w.kernel; j++) {
      const start = [i * h.dilation, j * w.dilation] as const;
      const end = [start[0] + (rows - 1) * h.stride + 1, start[1] + (columns - 1) * w.stride + 1];
      taps.push(ctx.op('Slice', [padded, ctx.int64s(start), ctx.int64s(end), spatial, steps]));
    }
  }
  const patches = taps.length === 1 && taps[0] !== undefined ? taps[0] : ctx.op('Concat', taps, { axis: 3 });
  const matrix = ctx.op('Reshape', [patches, ctx.int64s([-1, taps.length * channels])]);
  const slopes = ctx.op('Reshape', [ctx.get(dy, axes.nhwc), ctx.int64s([-1, outChannels])]);
  const product = ctx.op('Gemm', [slopes, matrix], { transA: 1 });
  const ohwi = ctx.op('Reshape', [product, ctx.int64s([outChannels, h.kernel, w.kernel, channels])]);
  ctx.set(dw, ctx.op('Transpose', [ohwi], { perm: [0, 3, 1, 2] }), OIHW);
}

/**
 * Conv of x as [C, N, H, W] with dy as weights [Co, N, oh, ow]. Its dilation is the forward stride, and its stride the
 * forward dilation.
 */
function filterGradientByConv(
  x: Logical,
  dy: Logical,
  dw: Logical,
  ws: readonly [Window, Window],
  axes: PictureAxes,
  ctx: LowerContext,
): void {
  const pads = [0, 0, 0, 0];
  let crop = false;
  ws.forEach((w, i) => {
    const [before, after] = w.pads ?? ctx.unsupported('filter gradient with a dynamic spatial size');
    pads[i] = before;
    // A negative `after` is a remainder of x that no window covered: the result is too large by that amount.
    pads[i + 2] = Math.max(0, after);
    crop ||= after < 0;
  });
  const attributes: Parameters<typeof ctx.op<'Conv'>>[2] = {
    kernel_shape: ws.map((w) => fixed(w.small, 'size of dy', ctx)),
    strides: ws.map((w) => w.dilation),
    dilations: ws.map((w) => w.stride),
    pads,
  };
  const full = ctx.op('Conv', [ctx.get(x, axes.cnhw), ctx.get(dy, axes.cnhw)], attributes);
  const [h, w] = ws;
  const value = crop
    ? ctx.op('Slice', [full, ctx.int64s([0, 0]), ctx.int64s([h.kernel, w.kernel]), ctx.int64s([2, 3])])
    : full;
  ctx.set(dw, value, [2, 3, 0, 1]);
}

/**
 * Pads a picture with zeros; `order` arranges (top, left, bottom, right) for its layout. Emits nothing if there is
 * nothing to pad.
 */
function padPicture(
  value: Value,
  ws: readonly [Window, Window],
  ctx: LowerContext,
  order: (top: number, left: number, bottom: number, right: number) => number[],
): Value {
  const [h, w] = ws.map((one) => one.pads ?? ctx.unsupported('padding that depends on a dynamic size'));
  if (h === undefined || w === undefined) return value;
  const pads = order(h[0], w[0], Math.max(0, h[1]), Math.max(0, w[1]));
  return pads.some((p) => p !== 0) ? ctx.op('Pad', [value, ctx.int64s(pads)]) : value;
}

/** Lowerings of the convolutions, by name. */
export const convKernels: Record<ConvolutionKernel, KernelLowering> = {
  Conv2D,
  Conv2DBackpropInput,
  Conv2DBackpropFilter,
};
