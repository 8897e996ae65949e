// What the specification says of each operator beside its attributes' types: how many inputs and outputs, and since which opset (of 17-22).
// Checked against the schemas of the `onnx` package in tests/parity/op-schemas.test.ts.
import type { OpName } from '../ops.js';

/** `[least inputs, most inputs, most outputs]`, and the opset that brought the operator where that is above 17. */
export type Signature = readonly [least: number, most: number, outputs: number, since?: number];

const one: Signature = [1, 1, 1];
const two: Signature = [2, 2, 1];
const many: Signature = [1, Infinity, 1];
const reduce: Signature = [1, 2, 1];

/** By operator. */
export const SIGNATURES: Readonly<Record<OpName, Signature>> = {
  Abs: one, Acos: one, Acosh: one, Asin: one, Asinh: one, Atan: one, Atanh: one, Ceil: one, Cos: one, Cosh: one, Erf: one, Exp: one, Floor: one,
  Identity: one, IsInf: one, IsNaN: one, Log: one, Neg: one, Not: one, Reciprocal: one, Round: one,
  Sign: one, Sin: one, Sinh: one, Sqrt: one, Tan: one, Tanh: one,
  Cast: one,
  Celu: one, Elu: one, Gelu: [1, 1, 1, 20], HardSigmoid: one, LeakyRelu: one,
  LogSoftmax: one, Mish: [1, 1, 1, 18], PRelu: two, Relu: one, Selu: one, Sigmoid: one, Softmax: one, Softplus: one, Softsign: one,
  Add: two, And: two, Clip: [1, 3, 1], Div: two, Equal: two, Greater: two, GreaterOrEqual: two, Less: two, LessOrEqual: two, Max: many, Min: many,
  Mod: two, Mul: two, Or: two, Pow: two, Sub: two, Sum: many, Where: [3, 3, 1], Xor: two,
  BitwiseAnd: [2, 2, 1, 18], BitwiseOr: [2, 2, 1, 18], BitwiseXor: [2, 2, 1, 18],
  ArgMax: one, ArgMin: one,
  CumSum: two,
  ReduceL2: reduce, ReduceLogSumExp: reduce, ReduceMax: reduce, ReduceMean: reduce, ReduceMin: reduce, ReduceProd: reduce, ReduceSum: reduce, ReduceSumSquare: reduce,
  TopK: [2, 2, 2],
  Conv: [2, 3, 1],
  ConvTranspose: [2, 3, 1],
  Einsum: many,
  Gemm: [2, 3, 1],
  MatMul: two,
  AveragePool: one,
  BatchNormalization: [5, 5, 3],
  GlobalAveragePool: one, GlobalMaxPool: one,
  InstanceNormalization: [3, 3, 1],
  LayerNormalization: [2, 3, 3],
  MaxPool: [1, 1, 2],
  Concat: many,
  ConstantOfShape: one,
  DepthToSpace: one,
  Expand: two, Flatten: one,
  Gather: two, GatherElements: two, GatherND: two,
  OneHot: [3, 3, 1],
  Pad: [2, 4, 1],
  Range: [3, 3, 1],
  Reshape: two,
  Resize: [1, 4, 1],
  ReverseSequence: two,
  ScatterElements: [3, 3, 1], ScatterND: [3, 3, 1],
  Shape: one, Size: one, Slice: [3, 5, 1], SpaceToDepth: one,
  Split: [1, 2, Infinity], Squeeze: [1, 2, 1], Tile: two, Transpose: one, Trilu: [1, 2, 1], Unsqueeze: two,
};
