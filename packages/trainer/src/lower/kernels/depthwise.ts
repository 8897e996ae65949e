// Depthwise convolution and its adjoints, channel multipliers included, as grouped Conv and ConvTranspose.
import type { Value } from '@forja/core/onnx';
import type { DepthwiseKernel } from '../../kernels/names.js';
import type { BoundCall, KernelLowering, LowerContext, Logical, Perm } from '../contract.js';
import { convTranspose, kernelSize } from './conv.js';
import { dim, fixed, input, output, pictureAxes, product, windowed, windows, type PictureAxes } from './spatial.js';

/**
 * Filters (h, w, C, multiplier) stored as (C, multiplier, h, w): one Reshape away from a grouped Conv's (C·multiplier,
 * 1, h, w), or none if the multiplier is 1.
 */
const CMHW: Perm = [2, 3, 0, 1];

function groupedWeights(filter: Logical, ctx: LowerContext): { weights: Value; channels: number; multiplier: number } {
  const [h, w] = kernelSize(filter, ctx);
  const [channels, multiplier] = [
    fixed(dim(filter, 2), 'channels', ctx),
    fixed(dim(filter, 3), 'channel multiplier', ctx),
  ];
  const weights = ctx.get(filter, CMHW);
  return {
    weights: multiplier === 1 ? weights : ctx.reshape(weights, [channels * multiplier, 1, h, w]),
    channels,
    multiplier,
  };
}

/** The grouped Conv of a DepthwiseConv2dNative or FusedDepthwiseConv2D call, in NCHW. */
export function depthwiseConv(call: BoundCall, ctx: LowerContext, bias?: Value): { value: Value; axes: PictureAxes } {
  const [x, filter, y] = [input(call, 'x', ctx), input(call, 'filter', ctx), output(call, ctx)];
  const axes = pictureAxes(call.attrs['dataFormat']);
  const ws = windows(call, ctx, x, y, kernelSize(filter, ctx), axes);
  const { weights, channels } = groupedWeights(filter, ctx);
  const { value, attributes } = windowed(ctx.get(x, axes.nchw), ws, ctx);
  return {
    value: ctx.op('Conv', [value, weights, ...(bias === undefined ? [] : [bias])], { ...attributes, group: channels }),
    axes,
  };
}

const DepthwiseConv2dNative: KernelLowering<'DepthwiseConv2dNative'> = (call, ctx) => {
  const { value, axes } = depthwiseConv(call, ctx);
  ctx.set(output(call, ctx), value, axes.nchw);
};

const DepthwiseConv2dNativeBackpropInput: KernelLowering<'DepthwiseConv2dNativeBackpropInput'> = (call, ctx) => {
  const [dy, filter, dx] = [input(call, 'dy', ctx), input(call, 'filter', ctx), output(call, ctx)];
  const axes = pictureAxes(call.attrs['dataFormat']);
  const ws = windows(call, ctx, dx, dy, kernelSize(filter, ctx), axes);
  const { weights, channels } = groupedWeights(filter, ctx);
  ctx.set(dx, convTranspose(ctx.get(dy, axes.nchw), weights, ws, ctx, channels), axes.nchw);
};

/** One grouped Conv: x as [1, C·N, H, W], dy as weights [C·multiplier, N, oh, ow], strides and dilations swapped. */
const DepthwiseConv2dNativeBackpropFilter: KernelLowering<'DepthwiseConv2dNativeBackpropFilter'> = (call, ctx) => {
  const [x, dy, dw] = [input(call, 'x', ctx), input(call, 'dy', ctx), output(call, ctx)];
  const axes = pictureAxes(call.attrs['dataFormat']);
  const [h, w] = windows(call, ctx, x, dy, kernelSize(dw, ctx), axes);
  if (h.pads === undefined || w.pads === undefined)
    return ctx.unsupported('filter gradient with a dynamic spatial size');
  const [channels, multiplier] = [fixed(dim(dw, 2), 'channels', ctx), fixed(dim(dw, 3), 'channel multiplier', ctx)];
  const rows = product([channels, dim(x, 0)]);
  const pictures = ctx.reshape(ctx.get(x, axes.cnhw), [1, rows, h.large, w.large]);
  const pads = [h.pads[0], w.pads[0], Math.max(0, h.pads[1]), Math.max(0, w.pads[1])];
  const kernel = [fixed(h.small, 'height of dy', ctx), fixed(w.small, 'width of dy', ctx)];
  const full = ctx.op('Conv', [pictures, ctx.get(dy, axes.cnhw)], {
    group: channels,
    kernel_shape: kernel,
    strides: [h.dilation, w.dilation],
    dilations: [h.stride, w.stride],
    pads,
  });
  const crop = h.pads[1] < 0 || w.pads[1] < 0;
  const value = crop
    ? ctx.op('Slice', [full, ctx.int64s([0, 0]), ctx.int64s([h.kernel, w.kernel]), ctx.int64s([2, 3])])
    : full;
  ctx.set(dw, ctx.reshape(value, [channels, multiplier, h.kernel, w.kernel]), CMHW);
};

/** Lowerings of the depthwise kernels, by name. */
export const depthwiseKernels: Record<DepthwiseKernel, KernelLowering> = {
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropInput,
  DepthwiseConv2dNativeBackpropFilter,
};
