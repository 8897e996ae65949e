// Shapes of element-wise kernels: the input's, or the broadcast of the inputs'. The types are those of tfjs's cpu
// kernels.
import { backend_util } from '@tensorflow/tfjs';
import type { ProgramDType } from '../../program/program.js';
import { dtypeAttribute, tensorList, upcast } from './attributes.js';
import type { ActivationKernel, BinaryKernel, UnaryKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { one } from './window.js';

/** The input's shape, and its type unless the kernel fixes `dtype`. */
function like(kernel: string, input = 'x', dtype?: ProgramDType): ShapeRule {
  return (inputs) => {
    const x = one(inputs, input, kernel);
    return [{ shape: [...x.shape], dtype: dtype ?? x.dtype }];
  };
}

/** Broadcast of two inputs, with the first one's type unless the kernel fixes `dtype`. */
function broadcast(kernel: string, dtype?: ProgramDType, names: readonly [string, string] = ['a', 'b']): ShapeRule {
  return (inputs) => {
    const [a, b] = [one(inputs, names[0], kernel), one(inputs, names[1], kernel)];
    return [{ shape: backend_util.assertAndGetBroadcastShape(a.shape, b.shape), dtype: dtype ?? a.dtype }];
  };
}

const Cast: ShapeRule<'Cast'> = (inputs, attrs) => [
  { shape: [...one(inputs, 'x', 'Cast').shape], dtype: dtypeAttribute(attrs['dtype'], 'Cast') },
];

const AddN: ShapeRule<'AddN'> = (inputs) => {
  const [first] = tensorList(inputs, 'AddN');
  return [{ shape: [...first.shape], dtype: first.dtype }];
};

const Select: ShapeRule<'Select'> = (inputs) => {
  const [t, e] = [one(inputs, 't', 'Select'), one(inputs, 'e', 'Select')];
  return [{ shape: [...t.shape], dtype: upcast(t.dtype, e.dtype) }];
};

/** Kernels of one tensor. */
export const unaryShapes: Record<UnaryKernel | ActivationKernel, ShapeRule> = {
  Abs: like('Abs'),
  Acos: like('Acos'),
  Acosh: like('Acosh'),
  Asin: like('Asin'),
  Asinh: like('Asinh'),
  Atan: like('Atan'),
  Atanh: like('Atanh'),
  Cast,
  Ceil: like('Ceil'),
  ClipByValue: like('ClipByValue'),
  Cos: like('Cos'),
  Cosh: like('Cosh'),
  Elu: like('Elu'),
  Erf: like('Erf'),
  Exp: like('Exp', 'x', 'float32'),
  Expm1: like('Expm1'),
  Floor: like('Floor'),
  Identity: like('Identity'),
  IsFinite: like('IsFinite', 'x', 'bool'),
  IsInf: like('IsInf', 'x', 'bool'),
  IsNan: like('IsNan', 'x', 'bool'),
  LeakyRelu: like('LeakyRelu', 'x', 'float32'),
  Log: like('Log'),
  Log1p: like('Log1p'),
  LogicalNot: like('LogicalNot', 'x', 'bool'),
  LogSoftmax: like('LogSoftmax', 'logits', 'float32'),
  Neg: like('Neg'),
  Reciprocal: like('Reciprocal'),
  Relu: like('Relu'),
  Relu6: like('Relu6'),
  Round: like('Round'),
  Rsqrt: like('Rsqrt'),
  Selu: like('Selu'),
  Sigmoid: like('Sigmoid'),
  Sign: like('Sign'),
  Sin: like('Sin'),
  Sinh: like('Sinh'),
  Softmax: like('Softmax', 'logits'),
  Softplus: like('Softplus'),
  Sqrt: like('Sqrt'),
  Square: like('Square'),
  Step: like('Step'),
  Tan: like('Tan'),
  Tanh: like('Tanh'),
};

/** Kernels of several tensors. */
export const binaryShapes: Record<BinaryKernel, ShapeRule> = {
  Add: broadcast('Add'),
  AddN,
  Atan2: broadcast('Atan2'),
  BitwiseAnd: broadcast('BitwiseAnd'),
  EluGrad: like('EluGrad', 'y', 'float32'),
  Equal: broadcast('Equal', 'bool'),
  FloorDiv: broadcast('FloorDiv', 'int32'),
  Greater: broadcast('Greater', 'bool'),
  GreaterEqual: broadcast('GreaterEqual', 'bool'),
  Less: broadcast('Less', 'bool'),
  LessEqual: broadcast('LessEqual', 'bool'),
  LogicalAnd: broadcast('LogicalAnd', 'bool'),
  LogicalOr: broadcast('LogicalOr', 'bool'),
  LogicalXor: broadcast('LogicalXor', 'bool'),
  Maximum: broadcast('Maximum'),
  Minimum: broadcast('Minimum'),
  Mod: broadcast('Mod'),
  Multiply: broadcast('Multiply'),
  NotEqual: broadcast('NotEqual', 'bool'),
  Pow: broadcast('Pow'),
  Prelu: broadcast('Prelu', 'float32', ['x', 'alpha']),
  RealDiv: broadcast('RealDiv'),
  Select,
  SquaredDifference: broadcast('SquaredDifference'),
  Sub: broadcast('Sub'),
};
