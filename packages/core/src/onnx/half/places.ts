// The precision in which each operator is computed when a model is converted to half: a row for every operator that
// Forja writes, and for others that tools write. The float32 list is that of PyTorch's autocast (operators that may
// exceed 65504 or lose digits by cancellation), plus those that must be exact.
import type { OpName } from '../ops.js';

/**
 * `half`: the expensive operators. `float`: stays in float32. `exact`: float32, as are the nodes that lead to it,
 * because rounding to half precision would be visible in the result. `follow`: moves or pools numbers, in its input's
 * precision. `point`: element-wise, in its input's precision, but in float32 with a constant that half precision
 * represents badly. `any`: reads either precision and returns another type. `square`, `divide`, `scatter`, `cast`:
 * depend on inputs and attributes.
 */
export type Place = 'half' | 'float' | 'exact' | 'follow' | 'point' | 'any' | 'square' | 'divide' | 'scatter' | 'cast';

/** Operators that Forja writes. */
const OURS: Readonly<Record<OpName, Place>> = {
  Conv: 'half',
  ConvTranspose: 'half',
  Einsum: 'half',
  Gemm: 'half',
  MatMul: 'half',

  Abs: 'point',
  Celu: 'point',
  Clip: 'point',
  Elu: 'point',
  Erf: 'point',
  Gelu: 'point',
  LeakyRelu: 'point',
  Max: 'point',
  Min: 'point',
  Neg: 'point',
  PRelu: 'point',
  Relu: 'point',
  Selu: 'point',
  Sigmoid: 'point',
  Softsign: 'point',
  Sub: 'point',
  Sum: 'point',
  Add: 'point',
  Tanh: 'point',
  Where: 'point',
  // x · x may be part of a variance, and 256² overflows.
  Mul: 'square',
  Div: 'divide',
  // With a reduction, it is a sum.
  ScatterElements: 'scatter',
  ScatterND: 'scatter',

  Acos: 'float',
  Acosh: 'float',
  Asin: 'float',
  Asinh: 'float',
  Atan: 'float',
  Atanh: 'float',
  Cos: 'float',
  Cosh: 'float',
  Exp: 'float',
  Log: 'float',
  Mish: 'float',
  Pow: 'float',
  Reciprocal: 'float',
  Sin: 'float',
  Sinh: 'float',
  Softplus: 'float',
  Sqrt: 'float',
  Tan: 'float',
  LogSoftmax: 'float',
  Softmax: 'float',
  // Its slope is an attribute, which may exceed 65504.
  HardSigmoid: 'float',
  BatchNormalization: 'float',
  GlobalAveragePool: 'float',
  InstanceNormalization: 'float',
  LayerNormalization: 'float',
  CumSum: 'float',
  ReduceL2: 'float',
  ReduceLogSumExp: 'float',
  ReduceMean: 'float',
  ReduceProd: 'float',
  ReduceSum: 'float',
  ReduceSumSquare: 'float',
  // Their types are in attributes, or they hold indices.
  ConstantOfShape: 'float',
  OneHot: 'float',
  Range: 'float',

  ArgMax: 'exact',
  ArgMin: 'exact',
  Ceil: 'exact',
  Equal: 'exact',
  Floor: 'exact',
  Greater: 'exact',
  GreaterOrEqual: 'exact',
  IsInf: 'exact',
  IsNaN: 'exact',
  Less: 'exact',
  LessOrEqual: 'exact',
  Mod: 'exact',
  Round: 'exact',
  Sign: 'exact',
  TopK: 'exact',
  Cast: 'cast',

  AveragePool: 'follow',
  GlobalMaxPool: 'follow',
  MaxPool: 'follow',
  ReduceMax: 'follow',
  ReduceMin: 'follow',
  Concat: 'follow',
  DepthToSpace: 'follow',
  Expand: 'follow',
  Flatten: 'follow',
  Gather: 'follow',
  GatherElements: 'follow',
  GatherND: 'follow',
  Identity: 'follow',
  Pad: 'follow',
  Reshape: 'follow',
  Resize: 'follow',
  ReverseSequence: 'follow',
  Slice: 'follow',
  SpaceToDepth: 'follow',
  Split: 'follow',
  Squeeze: 'follow',
  Tile: 'follow',
  Transpose: 'follow',
  Trilu: 'follow',
  Unsqueeze: 'follow',

  And: 'any',
  BitwiseAnd: 'any',
  BitwiseOr: 'any',
  BitwiseXor: 'any',
  Not: 'any',
  Or: 'any',
  Shape: 'any',
  Size: 'any',
  Xor: 'any',
};

/**
 * Operators of the default domain that other tools write. Operators in neither list stay in float32, and so does
 * everything computed from them.
 */
const OTHERS: Readonly<Record<string, Place>> = {
  Dropout: 'follow',
  GlobalLpPool: 'float',
  GroupNormalization: 'float',
  HardSwish: 'point',
  Hardmax: 'exact',
  LpNormalization: 'float',
  LRN: 'float',
  Mean: 'float',
  MeanVarianceNormalization: 'float',
  NonZero: 'any',
  ReduceL1: 'float',
  ReduceLogSum: 'float',
  RMSNormalization: 'float',
  Swish: 'point',
  ThresholdedRelu: 'point',
  Compress: 'follow',
};

/** The row of an operator of the default domain; undefined if it has none. */
export function placeOf(operator: string): Place | undefined {
  return Object.hasOwn(OURS, operator)
    ? OURS[operator as OpName] // an own key of the table
    : Object.hasOwn(OTHERS, operator)
      ? OTHERS[operator]
      : undefined;
}

/** Inputs that are always float32: `roi` and `scales` of Resize. */
export const FLOAT_INPUTS: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2] };
