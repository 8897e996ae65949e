// Where each operator is computed when a model goes to half precision: one row each, total over what Forja writes, with
// those that other tools write beside it. The float32 list is that of PyTorch's autocast (what overflows 65504 or
// cancels), and what must be exact.
import type { OpName } from '../ops.js';

/**
 * `half`: what takes the time. `float`: stays in float32. `exact`: as float, and so does what leads to it, since a step
 * of half precision would be seen. `follow`: moves or pools numbers, in the precision they come in. `point`:
 * element-wise, the same, but in float32 beside a constant that half precision holds badly. `any`: reads either and
 * gives neither. `square`, `divide`, `scatter`, `cast`: told by inputs and attributes.
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
  // A square is the first half of a variance: 256² overflows.
  Mul: 'square',
  Div: 'divide',
  // What is added up where it meets is a sum.
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
  // Its slope is an attribute, and may be beyond 65504.
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
  // Types of these are in attributes, or their numbers count places.
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
 * Operators of the default domain that other tools write. What is in neither list stays in float32, with all that is
 * made of it.
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

/** The row of an operator of the default domain; undefined where it has none. */
export function placeOf(operator: string): Place | undefined {
  return Object.hasOwn(OURS, operator)
    ? OURS[operator as OpName]
    : Object.hasOwn(OTHERS, operator)
      ? OTHERS[operator]
      : undefined; // just looked up
}

/** Inputs whose type is float32 whatever the others are: `roi` and `scales` of Resize. */
export const FLOAT_INPUTS: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2] };
