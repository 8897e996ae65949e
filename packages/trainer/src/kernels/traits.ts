// Mathematical properties ("traits") of each tfjs kernel, one row per kernel, used by tracing, rewriting, lowering,
// gradients and export. The table has a row for every kernel name; a missing row does not compile. A kernel has only
// the traits that its row names.
import type { KernelName } from './names.js';
import { rowOf } from './rows.js';

/** The sides of a convolution, by the names of a kernel's inputs; `''` is the result. */
export interface ConvolutionTraits {
  /** The picture that the filter moves over: the input of a forward convolution. */
  large: string;
  /** The other picture: the output of a forward convolution. */
  small: string;
  /** [h, w, in, out]; of a depthwise one [h, w, in, multiplier]. */
  filter: string;
  depthwise: boolean;
  /** How many axes the filter moves along. */
  axes: 2 | 3;
}

/** Facts about a kernel. */
export interface Traits {
  /**
   * The inputs of an element-wise kernel: each number of the result depends only on the numbers at the same position.
   */
  elementwise?: readonly string[];
  /** Element-wise, and tfjs's kernel broadcasts its operands by NumPy's rules. */
  broadcasts?: true;
  /** Swapping the operands `a` and `b` gives the same bits. */
  commutative?: true;
  /** The result is a sum of these inputs, each with this sign. */
  adds?: Readonly<Record<string, 1 | -1>>;
  /** Linear in each of these inputs, while the others stay the same. */
  linear?: readonly string[];
  /** Gives only 0 and 1 where the inputs are only these. */
  keepsBools?: true;
  /** Infinite where the input is, of either sign. */
  keepsInfinity?: true;
  /** Only the shape of the input is read. */
  readsShape?: true;
  /** Equal calls may give different results. */
  impure?: true;
  /**
   * The result consists of numbers of these inputs, all or some of them, at other positions. `'list'`: of all inputs,
   * which come as a list.
   */
  moves?: readonly string[] | 'list';
  /** In addition to moved numbers, the result has zeros or a constant. */
  fills?: true;
  /** The result has the numbers of its one input in the same order; only the shape differs. */
  reshapes?: true;
  /** The attribute that names, for each axis of the result, the axis of the input that it was. */
  permutes?: string;
  /** The result lies between the least and the greatest number of this input. */
  within?: string;
  /**
   * Small relative errors of the inputs stay small relative errors of the result, or absolute errors for a logarithm.
   */
  keepsAccuracy?: true;
  /**
   * Multiplies its inputs: element by element (`numbers`), or in sums of products (`sums`), which take more than linear
   * time.
   */
  multiplies?: 'numbers' | 'sums';
  /** The product of the matrices `a` and `b`, in the last two axes. */
  product?: true;
  convolution?: ConvolutionTraits;
  /** A window (`filterSize`) that moves along this many axes of `x`. */
  pool?: 2 | 3;
  /** The kernel that does the same, then adds a bias and applies an activation. */
  fused?: KernelName;
  /** Inputs that are pictures [batch, height, width, channels] and are processed along height and width. */
  pictures?: readonly string[];
  /**
   * The input whose first axis is a batch: each example is computed independently, and no attribute depends on their
   * number.
   */
  batch?: string;
  /** The attribute that names the axis or axes that the kernel works along; the other axes are independent. */
  along?: string;
  /** The axes that `along` names are reduced, by a function that returns a single number unchanged. */
  reduces?: true;
  /** Piecewise constant in these inputs: the gradient is zero wherever there is one. */
  flat?: readonly string[];
  /** The last axis of an input has a meaning: the components of an index, or numbers in ascending order. */
  lastAxis?: true;
  /**
   * Returns a list: parts of one kind, or values (which the traits describe) and their indices ('values and places').
   */
  outputs?: 'parts' | 'values and places';
}

const UNARY: Traits = { elementwise: ['x'] };
const BINARY: Traits = { elementwise: ['a', 'b'], broadcasts: true };
const SYMMETRIC: Traits = { ...BINARY, commutative: true };
const FLAT_UNARY: Traits = { ...UNARY, flat: ['x'] };
const ROUNDS: Traits = { ...FLAT_UNARY, keepsBools: true };
const FLAT_BINARY: Traits = { ...BINARY, flat: ['a', 'b'] };
const FLAT_SYMMETRIC: Traits = { ...SYMMETRIC, flat: ['a', 'b'] };
const MOVES_X: Traits = { moves: ['x'] };
const FILLS: Traits = { moves: ['x'], fills: true };
const JOINS: Traits = { moves: 'list' };
const REDUCES: Traits = { along: 'axis', reduces: true };
const EXTREME: Traits = { ...REDUCES, within: 'x', keepsAccuracy: true };
const NONE: Traits = {};

const conv = (large: string, small: string, filter: string, axes: 2 | 3 = 2, depthwise = false): Traits => ({
  convolution: { large, small, filter, axes, depthwise },
  multiplies: 'sums',
  ...(axes === 2 ? { pictures: [large, small].filter((name) => name !== '') } : {}),
  ...(small === '' ? { batch: large } : {}),
});
const depthwise = (large: string, small: string, filter: string): Traits => conv(large, small, filter, 2, true);
const pool = (axes: 2 | 3): Traits => ({
  pool: axes,
  within: 'x',
  keepsAccuracy: true,
  batch: 'x',
  ...(axes === 2 ? { pictures: ['x'] } : {}),
});

/** Every kernel's traits. */
const TRAITS: Readonly<Record<KernelName, Traits>> = {
  // one tensor, element by element
  Abs: { ...UNARY, keepsAccuracy: true, keepsBools: true },
  Acos: UNARY,
  Acosh: UNARY,
  Asin: UNARY,
  Asinh: UNARY,
  Atan: UNARY,
  Atanh: UNARY,
  Cast: { ...UNARY, keepsInfinity: true },
  Ceil: ROUNDS,
  ClipByValue: { ...UNARY, keepsAccuracy: true },
  Cos: UNARY,
  Cosh: UNARY,
  Elu: UNARY,
  Erf: UNARY,
  Exp: UNARY,
  Expm1: UNARY,
  Floor: ROUNDS,
  Identity: { ...UNARY, ...MOVES_X },
  IsFinite: FLAT_UNARY,
  IsInf: FLAT_UNARY,
  IsNan: FLAT_UNARY,
  LeakyRelu: UNARY,
  Log: { ...UNARY, keepsAccuracy: true },
  Log1p: UNARY,
  LogicalNot: FLAT_UNARY,
  Neg: { ...UNARY, adds: { x: -1 }, linear: ['x'], keepsAccuracy: true, keepsInfinity: true },
  OnesLike: { ...FLAT_UNARY, readsShape: true },
  Reciprocal: { ...UNARY, keepsAccuracy: true },
  Relu: { ...UNARY, keepsBools: true },
  Relu6: { ...UNARY, keepsBools: true },
  Round: ROUNDS,
  Rsqrt: { ...UNARY, keepsAccuracy: true },
  Selu: UNARY,
  Sigmoid: UNARY,
  Sign: ROUNDS,
  Sin: UNARY,
  Sinh: UNARY,
  Softplus: UNARY,
  Sqrt: { ...UNARY, keepsAccuracy: true, keepsBools: true },
  Square: { ...UNARY, keepsAccuracy: true, keepsBools: true },
  Step: ROUNDS,
  Tan: UNARY,
  Tanh: UNARY,
  ZerosLike: { ...FLAT_UNARY, readsShape: true },

  // several tensors, element by element
  Add: { ...BINARY, commutative: true, adds: { a: 1, b: 1 } },
  AddN: { elementwise: ['inputs'] },
  Atan2: BINARY,
  BitwiseAnd: FLAT_SYMMETRIC,
  EluGrad: { elementwise: ['dy', 'y'] },
  Equal: FLAT_SYMMETRIC,
  FloorDiv: FLAT_BINARY,
  Greater: FLAT_BINARY,
  GreaterEqual: FLAT_BINARY,
  Less: FLAT_BINARY,
  LessEqual: FLAT_BINARY,
  LogicalAnd: FLAT_SYMMETRIC,
  LogicalOr: FLAT_SYMMETRIC,
  LogicalXor: SYMMETRIC,
  // Not commutative: of 0 and -0, which are equal, runtimes may return either.
  Maximum: { ...BINARY, keepsAccuracy: true, keepsBools: true },
  Minimum: { ...BINARY, keepsAccuracy: true, keepsBools: true },
  Mod: { ...BINARY, keepsBools: true },
  Multiply: {
    ...BINARY,
    commutative: true,
    linear: ['a', 'b'],
    keepsAccuracy: true,
    keepsBools: true,
    multiplies: 'numbers',
  },
  NotEqual: FLAT_SYMMETRIC,
  Pow: { ...BINARY, keepsAccuracy: true },
  Prelu: { elementwise: ['x', 'alpha'], multiplies: 'numbers' },
  RealDiv: { ...BINARY, linear: ['a'], keepsAccuracy: true, multiplies: 'numbers' },
  Select: { elementwise: ['condition', 't', 'e'] },
  SquaredDifference: { ...BINARY, commutative: true, keepsBools: true },
  Sub: { ...BINARY, adds: { a: 1, b: -1 } },

  // along axes
  All: { ...REDUCES, flat: ['x'] },
  Any: { ...REDUCES, flat: ['x'] },
  ArgMax: { along: 'axis', flat: ['x'] },
  ArgMin: { along: 'axis', flat: ['x'] },
  Bincount: NONE,
  Cumprod: { along: 'axis', keepsAccuracy: true, multiplies: 'numbers' },
  Cumsum: { along: 'axis', linear: ['x'], keepsAccuracy: true },
  DenseBincount: NONE,
  LogSoftmax: { along: 'axis' },
  Max: { ...EXTREME, along: 'reductionIndices' },
  Mean: { ...EXTREME, linear: ['x'] },
  Min: EXTREME,
  Prod: { ...REDUCES, keepsAccuracy: true, multiplies: 'numbers' },
  Softmax: { along: 'dim' },
  Sum: { ...REDUCES, linear: ['x'], keepsAccuracy: true },
  TopK: { ...MOVES_X, outputs: 'values and places' },
  UnsortedSegmentSum: NONE,

  // movement
  BatchToSpaceND: MOVES_X,
  BroadcastArgs: NONE,
  BroadcastTo: MOVES_X,
  Concat: JOINS,
  DepthToSpace: { ...MOVES_X, pictures: ['x'], batch: 'x' },
  Diag: FILLS,
  ExpandDims: { moves: ['input'], reshapes: true },
  FlipLeftRight: { moves: ['image'], batch: 'image' },
  GatherNd: { moves: ['params'], lastAxis: true },
  GatherV2: MOVES_X,
  MirrorPad: MOVES_X,
  OneHot: { flat: ['indices'] },
  Pack: JOINS,
  PadV2: FILLS,
  Reshape: { ...MOVES_X, reshapes: true },
  Reverse: { ...MOVES_X, along: 'dims' },
  ScatterNd: { lastAxis: true },
  Slice: MOVES_X,
  SpaceToBatchND: FILLS,
  SparseToDense: { moves: ['sparseValues', 'defaultValue'], lastAxis: true },
  SplitV: { ...MOVES_X, outputs: 'parts' },
  StridedSlice: MOVES_X,
  TensorScatterUpdate: { moves: ['tensor', 'updates'], lastAxis: true },
  Tile: MOVES_X,
  Transpose: { ...MOVES_X, permutes: 'perm' },
  Unpack: { moves: ['value'], outputs: 'parts' },

  // numbers made from attributes
  Fill: NONE,
  LinSpace: NONE,
  Range: NONE,

  // convolution, pooling, products, normalisation, resizing
  AvgPool: { ...pool(2), linear: ['x'] },
  AvgPool3D: { ...pool(3), linear: ['x'] },
  AvgPool3DGrad: NONE,
  AvgPoolGrad: { pictures: ['dy', 'input'] },
  BatchMatMul: { product: true, linear: ['a', 'b'], multiplies: 'sums', fused: '_FusedMatMul' },
  Conv2D: { ...conv('x', '', 'filter'), linear: ['x', 'filter'], fused: 'FusedConv2D' },
  Conv2DBackpropFilter: conv('x', 'dy', ''),
  Conv2DBackpropInput: conv('', 'dy', 'filter'),
  Conv3D: { ...conv('x', '', 'filter', 3), linear: ['x', 'filter'] },
  Conv3DBackpropFilterV2: conv('x', 'dy', '', 3),
  Conv3DBackpropInputV2: conv('', 'dy', 'filter', 3),
  DepthwiseConv2dNative: { ...depthwise('x', '', 'filter'), linear: ['x', 'filter'], fused: 'FusedDepthwiseConv2D' },
  DepthwiseConv2dNativeBackpropFilter: depthwise('x', 'dy', ''),
  DepthwiseConv2dNativeBackpropInput: depthwise('', 'dy', 'filter'),
  Einsum: { multiplies: 'sums' },
  FusedBatchNorm: { multiplies: 'numbers' },
  FusedConv2D: { ...conv('x', '', 'filter'), fused: 'FusedConv2D' },
  FusedDepthwiseConv2D: { ...depthwise('x', '', 'filter'), fused: 'FusedDepthwiseConv2D' },
  LRN: { batch: 'x' },
  LRNGrad: NONE,
  MaxPool: pool(2),
  MaxPool3D: pool(3),
  MaxPool3DGrad: NONE,
  MaxPoolGrad: { pictures: ['dy', 'input', 'output'] },
  // No `batch`, because its indices may count over the whole batch.
  MaxPoolWithArgmax: { pool: 2, within: 'x', pictures: ['x'], outputs: 'values and places' },
  ResizeBilinear: { within: 'images', linear: ['images'], pictures: ['images'], batch: 'images' },
  ResizeBilinearGrad: { pictures: ['images', 'dy'] },
  ResizeNearestNeighbor: { moves: ['images'], pictures: ['images'], batch: 'images' },
  ResizeNearestNeighborGrad: { pictures: ['images', 'dy'] },
  _FusedMatMul: { product: true, multiplies: 'sums', fused: '_FusedMatMul' },

  // pictures read at computed coordinates, windows, search
  CropAndResize: NONE,
  Dilation2D: NONE,
  Dilation2DBackpropFilter: NONE,
  Dilation2DBackpropInput: NONE,
  RotateWithOffset: NONE,
  SearchSorted: { lastAxis: true, flat: ['sortedSequence', 'values'] },
  SparseReshape: NONE,
  Transform: NONE,

  // kernels without a lowering
  Complex: NONE,
  ComplexAbs: NONE,
  Draw: NONE,
  FFT: NONE,
  FromPixels: NONE,
  IFFT: NONE,
  Imag: NONE,
  LowerBound: NONE,
  MatrixBandPart: NONE,
  Multinomial: { impure: true },
  NonMaxSuppressionV3: NONE,
  NonMaxSuppressionV4: NONE,
  NonMaxSuppressionV5: NONE,
  Pool: NONE,
  RaggedGather: NONE,
  RaggedRange: NONE,
  RaggedTensorToTensor: NONE,
  Real: NONE,
  SparseFillEmptyRows: NONE,
  SparseSegmentMean: NONE,
  SparseSegmentSum: NONE,
  StaticRegexReplace: NONE,
  StringNGrams: NONE,
  StringSplit: NONE,
  StringToHashBucketFast: NONE,
  Unique: { outputs: 'values and places' },
  UpperBound: NONE,
};

/** The traits of a kernel; none for kernels that are not tfjs's own. */
export function traitsOf(kernel: string): Traits {
  return rowOf(TRAITS, kernel) ?? NONE;
}

/** Whether a kernel moves a filter over pictures, depthwise or not. */
export function filtersPictures(kernel: string): boolean {
  const { convolution } = traitsOf(kernel);
  return convolution?.small === '' && convolution.axes === 2;
}

/** Names of the kernels that have a trait. */
export function kernelsThat(has: (traits: Traits) => unknown): KernelName[] {
  return (Object.keys(TRAITS) as KernelName[]).filter((kernel) => Boolean(has(TRAITS[kernel]))); // its own keys
}
