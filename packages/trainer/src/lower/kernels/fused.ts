// Convolutions fused with a bias and an activation. The fused matrix product is in matmul.ts.
import type { Value } from '@forja/core/onnx';
import type { FusedConvolutionKernel } from '../../kernels/names.js';
import type { BoundCall, KernelLowering, LowerContext, Logical } from '../contract.js';
import { activate, alongChannels } from './fused-activation.js';
import { conv } from './conv.js';
import { depthwiseConv } from './depthwise.js';
import { dim, optionalInput, output, type PictureAxes } from './spatial.js';

type Convolution = (call: BoundCall, ctx: LowerContext, bias?: Value) => { value: Value; axes: PictureAxes };

/** A bias vector becomes an input of the Conv node; a bias of another shape is added afterwards. */
function fused(convolution: Convolution): KernelLowering {
  return (call, ctx) => {
    const y = output(call, ctx);
    const bias = optionalInput(call, 'bias');
    const inside = bias !== undefined && isVector(bias, y, call);
    const { value, axes } = convolution(call, ctx, inside ? ctx.get(bias) : undefined);
    const biased =
      bias === undefined || inside ? value : ctx.op('Add', [value, alongChannels(bias, ctx, axes.channel, axes.nchw)]);
    ctx.set(
      y,
      activate(biased, call, ctx, (weights) => alongChannels(weights, ctx, axes.channel, axes.nchw)),
      axes.nchw,
    );
  };
}

function isVector(bias: Logical, y: Logical, call: BoundCall): boolean {
  const channels = dim(y, call.attrs['dataFormat'] === 'NCHW' ? 1 : 3);
  return bias.rank === 1 && bias.shape[0] === channels;
}

/** Lowerings of the fused convolutions, by name. */
export const fusedKernels: Record<FusedConvolutionKernel, KernelLowering> = {
  FusedConv2D: fused(conv),
  FusedDepthwiseConv2D: fused(depthwiseConv),
};
