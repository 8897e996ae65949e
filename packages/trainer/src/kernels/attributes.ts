// The attributes of tfjs's kernels by name and type, as tfjs declares them. A name that a kernel does not have does not
// compile; values are still checked where they are read, since callers write JavaScript and converters leave some out.
import type * as tf from '@tensorflow/tfjs';
import type { KernelName } from './names.js';

/** Attributes that Forja's gradients pass to the adjoints of a convolution in addition to those that tfjs declares. */
type Shared = Pick<tf.Conv2DAttrs, 'dataFormat' | 'dilations'>;

/** tfjs's own declarations; kernels that are not here have no attributes. */
export interface KernelAttrs {
  _FusedMatMul: tf._FusedMatMulAttrs;
  All: tf.AllAttrs;
  Any: tf.AnyAttrs;
  ArgMax: tf.ArgMaxAttrs;
  ArgMin: tf.ArgMinAttrs;
  AvgPool3D: tf.AvgPool3DAttrs;
  AvgPool3DGrad: tf.AvgPool3DGradAttrs;
  AvgPool: tf.AvgPoolAttrs;
  AvgPoolGrad: tf.AvgPoolGradAttrs;
  BatchMatMul: tf.BatchMatMulAttrs;
  BatchToSpaceND: tf.BatchToSpaceNDAttrs;
  Bincount: tf.BincountAttrs;
  BroadcastTo: tf.BroadCastToAttrs;
  Cast: tf.CastAttrs;
  ClipByValue: tf.ClipByValueAttrs;
  Concat: tf.ConcatAttrs;
  Conv2D: tf.Conv2DAttrs;
  Conv2DBackpropFilter: tf.Conv2DBackpropFilterAttrs & Shared;
  Conv2DBackpropInput: tf.Conv2DBackpropInputAttrs & Shared;
  Conv3D: tf.Conv3DAttrs;
  Conv3DBackpropFilterV2: tf.Conv3DBackpropFilterV2Attrs;
  Conv3DBackpropInputV2: tf.Conv3DBackpropInputV2Attrs;
  CropAndResize: tf.CropAndResizeAttrs;
  Cumprod: tf.CumprodAttrs;
  Cumsum: tf.CumsumAttrs;
  DenseBincount: tf.DenseBincountAttrs;
  DepthToSpace: tf.DepthToSpaceAttrs;
  DepthwiseConv2dNative: tf.DepthwiseConv2dNativeAttrs;
  DepthwiseConv2dNativeBackpropFilter: tf.DepthwiseConv2dNativeBackpropFilterAttrs & Shared;
  DepthwiseConv2dNativeBackpropInput: tf.DepthwiseConv2dNativeBackpropInputAttrs & Shared;
  Dilation2D: tf.Dilation2DAttrs;
  Draw: tf.DrawAttrs;
  Einsum: tf.EinsumAttrs;
  ExpandDims: tf.ExpandDimsAttrs;
  Fill: tf.FillAttrs;
  FromPixels: tf.FromPixelsAttrs;
  FusedBatchNorm: tf.FusedBatchNormAttrs;
  FusedConv2D: tf.FusedConv2DAttrs;
  FusedDepthwiseConv2D: tf.FusedDepthwiseConv2DAttrs;
  GatherV2: tf.GatherV2Attrs;
  LeakyRelu: tf.LeakyReluAttrs;
  LinSpace: tf.LinSpaceAttrs;
  LogSoftmax: tf.LogSoftmaxAttrs;
  LRN: tf.LRNAttrs;
  LRNGrad: tf.LRNGradAttrs;
  MatrixBandPart: tf.MatrixBandPartAttrs;
  Max: tf.MaxAttrs;
  MaxPool3D: tf.MaxPool3DAttrs;
  MaxPool3DGrad: tf.MaxPool3DGradAttrs;
  MaxPool: tf.MaxPoolAttrs;
  MaxPoolGrad: tf.MaxPoolGradAttrs;
  MaxPoolWithArgmax: tf.MaxPoolWithArgmaxAttrs;
  Mean: tf.MeanAttrs;
  Min: tf.MinAttrs;
  MirrorPad: tf.MirrorPadAttrs;
  Multinomial: tf.MultinomialAttrs;
  NonMaxSuppressionV3: tf.NonMaxSuppressionV3Attrs;
  NonMaxSuppressionV4: tf.NonMaxSuppressionV4Attrs;
  NonMaxSuppressionV5: tf.NonMaxSuppressionV5Attrs;
  OneHot: tf.OneHotAttrs;
  Pack: tf.PackAttrs;
  PadV2: tf.PadV2Attrs;
  Prod: tf.ProdAttrs;
  RaggedGather: tf.RaggedGatherAttrs;
  RaggedTensorToTensor: tf.RaggedTensorToTensorAttrs;
  Range: tf.RangeAttrs;
  Reshape: tf.ReshapeAttrs;
  ResizeBilinear: tf.ResizeBilinearAttrs;
  ResizeBilinearGrad: tf.ResizeBilinearGradAttrs;
  ResizeNearestNeighbor: tf.ResizeNearestNeighborAttrs;
  ResizeNearestNeighborGrad: tf.ResizeNearestNeighborGradAttrs;
  Reverse: tf.ReverseAttrs;
  RotateWithOffset: tf.RotateWithOffsetAttrs;
  ScatterNd: tf.ScatterNdAttrs;
  SearchSorted: tf.SearchSortedAttrs;
  Slice: tf.SliceAttrs;
  Softmax: tf.SoftmaxAttrs;
  SpaceToBatchND: tf.SpaceToBatchNDAttrs;
  SparseToDense: tf.SparseToDenseAttrs;
  SplitV: tf.SplitVAttrs;
  StaticRegexReplace: tf.StaticRegexReplaceAttrs;
  Step: tf.StepAttrs;
  StridedSlice: tf.StridedSliceAttrs;
  StringNGrams: tf.StringNGramsAttrs;
  StringSplit: tf.StringSplitAttrs;
  StringToHashBucketFast: tf.StringToHashBucketFastAttrs;
  Sum: tf.SumAttrs;
  TensorScatterUpdate: tf.TensorScatterUpdateAttrs;
  Tile: tf.TileAttrs;
  TopK: tf.TopKAttrs;
  Transform: tf.TransformAttrs;
  Transpose: tf.TransposeAttrs;
  Unique: tf.UniqueAttrs;
  Unpack: tf.UnpackAttrs;
  UnsortedSegmentSum: tf.UnsortedSegmentSumAttrs;
}

/** A type in which each number may also be an `S`, for programs with dynamic dims. */
type Sized<T, S> = T extends number ? T | S : T extends readonly unknown[] ? { [I in keyof T]: Sized<T[I], S> } : T;

/**
 * The attributes of a kernel; any attributes if `K` is just `string`. Numbers may also be `S`. Each may be missing, or
 * null, as in tfjs's graph models.
 */
export type AttrsOf<K extends string, S = never> = string extends K
  ? Readonly<Record<string, unknown>>
  : K extends keyof KernelAttrs
    ? { readonly [N in keyof KernelAttrs[K]]?: Sized<KernelAttrs[K][N], S> | null }
    : Readonly<Record<never, never>>;

/** The names of a kernel's attributes; any name if `K` is just `string`. */
export type AttrName<K extends string> = string extends K
  ? string
  : K extends keyof KernelAttrs
    ? keyof KernelAttrs[K] & string
    : never;

/** The attributes of several kernels, for code that serves them all: the names are checked, the values are not. */
export type SharedAttrs<K extends KernelName> = { readonly [N in AttrName<K>]?: unknown };
