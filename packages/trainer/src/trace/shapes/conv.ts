// Shapes of convolutions, plain, depthwise and fused, and of their adjoints.
import type { ConvolutionKernel, DepthwiseKernel, FusedConvolutionKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { convShape, one, stated } from './window.js';

function convolution(kernel: string, depthwise: boolean): ShapeRule {
  return (inputs, attrs) => [
    {
      shape: convShape(kernel, one(inputs, 'x', kernel).shape, one(inputs, 'filter', kernel).shape, attrs, depthwise),
      dtype: 'float32',
    },
  ];
}

/** Convolution kernels. */
export const convShapes: Record<ConvolutionKernel | DepthwiseKernel | FusedConvolutionKernel, ShapeRule> = {
  Conv2D: convolution('Conv2D', false),
  FusedConv2D: convolution('FusedConv2D', false),
  Conv2DBackpropInput: stated('Conv2DBackpropInput', 'inputShape'),
  Conv2DBackpropFilter: stated('Conv2DBackpropFilter', 'filterShape'),
  DepthwiseConv2dNative: convolution('DepthwiseConv2dNative', true),
  FusedDepthwiseConv2D: convolution('FusedDepthwiseConv2D', true),
  DepthwiseConv2dNativeBackpropInput: stated('DepthwiseConv2dNativeBackpropInput', 'inputShape'),
  DepthwiseConv2dNativeBackpropFilter: stated('DepthwiseConv2dNativeBackpropFilter', 'filterShape'),
};
