// All kernel names that tfjs-core exports, by family. The tables of shape rules and of lowerings have a row for each; a
// missing row does not compile.
import type * as tf from '@tensorflow/tfjs';

/** Every kernel name constant of tfjs: an export whose value is its own name. */
export type KernelName = { [K in keyof typeof tf]: (typeof tf)[K] extends K ? K : never }[keyof typeof tf];

/** One tensor in, the same shape out. */
export type UnaryKernel =
  | 'Abs'
  | 'Acos'
  | 'Acosh'
  | 'Asin'
  | 'Asinh'
  | 'Atan'
  | 'Atanh'
  | 'Cast'
  | 'Ceil'
  | 'ClipByValue'
  | 'Cos'
  | 'Cosh'
  | 'Erf'
  | 'Exp'
  | 'Expm1'
  | 'Floor'
  | 'Identity'
  | 'IsFinite'
  | 'IsInf'
  | 'IsNan'
  | 'Log'
  | 'Log1p'
  | 'LogicalNot'
  | 'Neg'
  | 'Reciprocal'
  | 'Round'
  | 'Rsqrt'
  | 'Sign'
  | 'Sin'
  | 'Sinh'
  | 'Sqrt'
  | 'Square'
  | 'Tan';

/** Activations and softmax; these keep the shape of the input too. */
export type ActivationKernel =
  'Elu' | 'LeakyRelu' | 'LogSoftmax' | 'Relu' | 'Relu6' | 'Selu' | 'Sigmoid' | 'Softmax' | 'Softplus' | 'Step' | 'Tanh';

/** Several tensors in, their broadcast shape out. */
export type BinaryKernel =
  | 'Add'
  | 'AddN'
  | 'Atan2'
  | 'BitwiseAnd'
  | 'EluGrad'
  | 'Equal'
  | 'FloorDiv'
  | 'Greater'
  | 'GreaterEqual'
  | 'Less'
  | 'LessEqual'
  | 'LogicalAnd'
  | 'LogicalOr'
  | 'LogicalXor'
  | 'Maximum'
  | 'Minimum'
  | 'Mod'
  | 'Multiply'
  | 'NotEqual'
  | 'Pow'
  | 'Prelu'
  | 'RealDiv'
  | 'Select'
  | 'SquaredDifference'
  | 'Sub';

/** Kernels that combine the elements along axes. */
export type ReductionKernel =
  | 'All'
  | 'Any'
  | 'ArgMax'
  | 'ArgMin'
  | 'Bincount'
  | 'Cumprod'
  | 'Cumsum'
  | 'DenseBincount'
  | 'Max'
  | 'Mean'
  | 'Min'
  | 'Prod'
  | 'Sum'
  | 'TopK'
  | 'UnsortedSegmentSum';

/** Kernels that only move, copy or place elements. */
export type MovementKernel =
  | 'BatchToSpaceND'
  | 'BroadcastArgs'
  | 'BroadcastTo'
  | 'Concat'
  | 'DepthToSpace'
  | 'Diag'
  | 'ExpandDims'
  | 'FlipLeftRight'
  | 'GatherNd'
  | 'GatherV2'
  | 'MirrorPad'
  | 'OneHot'
  | 'Pack'
  | 'PadV2'
  | 'Reshape'
  | 'Reverse'
  | 'ScatterNd'
  | 'Slice'
  | 'SpaceToBatchND'
  | 'SparseToDense'
  | 'SplitV'
  | 'StridedSlice'
  | 'TensorScatterUpdate'
  | 'Tile'
  | 'Transpose'
  | 'Unpack';

/** Kernels that create tensors from attributes only. */
export type CreationKernel = 'Fill' | 'LinSpace' | 'OnesLike' | 'Range' | 'ZerosLike';

/** Convolution over pictures, and its two adjoints. */
export type ConvolutionKernel = 'Conv2D' | 'Conv2DBackpropFilter' | 'Conv2DBackpropInput';

/** Convolution over pictures with a separate filter for each channel, and its two adjoints. */
export type DepthwiseKernel =
  'DepthwiseConv2dNative' | 'DepthwiseConv2dNativeBackpropFilter' | 'DepthwiseConv2dNativeBackpropInput';

/** Convolution with a bias and an activation. */
export type FusedConvolutionKernel = 'FusedConv2D' | 'FusedDepthwiseConv2D';

/** Pooling of pictures, and its gradients. */
export type PoolKernel = 'AvgPool' | 'AvgPoolGrad' | 'MaxPool' | 'MaxPoolGrad' | 'MaxPoolWithArgmax';

/** Products of matrices and tensors. */
export type ProductKernel = 'BatchMatMul' | 'Einsum' | '_FusedMatMul';

/** Normalisation. */
export type NormKernel = 'FusedBatchNorm' | 'LRN' | 'LRNGrad';

/** Pictures made larger or smaller, and the gradients of that. */
export type ResizeKernel =
  'ResizeBilinear' | 'ResizeBilinearGrad' | 'ResizeNearestNeighbor' | 'ResizeNearestNeighborGrad';

/** Convolution and pooling over three axes. */
export type VolumeKernel =
  | 'AvgPool3D'
  | 'AvgPool3DGrad'
  | 'Conv3D'
  | 'Conv3DBackpropFilterV2'
  | 'Conv3DBackpropInputV2'
  | 'MaxPool3D'
  | 'MaxPool3DGrad';

/** Pictures sampled at computed coordinates. */
export type WarpKernel = 'CropAndResize' | 'RotateWithOffset' | 'Transform';

/** Grey-scale morphology: the maximum over a window plus a structuring element. */
export type MorphologyKernel = 'Dilation2D' | 'Dilation2DBackpropFilter' | 'Dilation2DBackpropInput';

/** Arithmetic on indices. */
export type SearchKernel = 'SearchSorted' | 'SparseReshape';

/** All other kernels: those without a lowering. */
export type RefusedKernel = Exclude<
  KernelName,
  | UnaryKernel
  | ActivationKernel
  | BinaryKernel
  | ReductionKernel
  | MovementKernel
  | CreationKernel
  | ConvolutionKernel
  | DepthwiseKernel
  | FusedConvolutionKernel
  | PoolKernel
  | ProductKernel
  | NormKernel
  | ResizeKernel
  | VolumeKernel
  | WarpKernel
  | MorphologyKernel
  | SearchKernel
>;
