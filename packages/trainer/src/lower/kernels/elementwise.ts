// Element-wise kernels of one tensor, except activations (activations.ts). They keep the stored order of their input.
import type { OpName, Value } from '@forja/core/onnx';
import type { UnaryKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type KernelLowering } from '../contract.js';
import { float, unary, type Formula } from './formula.js';
import { as, orderOf, scalar } from './layout.js';
import { input, output } from './spatial.js';

/** One ONNX op that also supports int32. */
function numeric(op: OpName): KernelLowering {
  return unary((x, ctx) => ctx.op(op, [x]));
}

const ClipByValue: Formula = (x, ctx, call) => {
  const bound = (name: string): Value | undefined => {
    const value = call.attrs[name];
    if (typeof value !== 'number') return ctx.unsupported(`attribute ${name} must be a number`);
    if (x.dtype !== 'int32') return scalar(value, x.dtype, ctx); // if a bound is omitted, Clip makes infinity finite
    // tfjs stores an integer result in an integer array, which truncates the bound.
    return Number.isFinite(value) ? scalar(Math.trunc(value), x.dtype, ctx) : undefined;
  };
  return ctx.op('Clip', [x, bound('clipValueMin'), bound('clipValueMax')]);
};

/** tanh(x/2)·(e^x + 1), which keeps the digits of small x that e^x - 1 loses. */
const Expm1: Formula = (x, ctx) =>
  ctx.op('Mul', [
    ctx.op('Tanh', [ctx.op('Mul', [x, ctx.scalar(0.5)])]),
    ctx.op('Add', [ctx.op('Exp', [x]), ctx.scalar(1)]),
  ]);

/** 2·artanh(x/(x + 2)) if |x| < 1/2, because log(x + 1) loses the digits of small x. */
const Log1p: Formula = (x, ctx) => {
  const ratio = ctx.op('Div', [x, ctx.op('Add', [x, ctx.scalar(2)])]);
  const near = ctx.op('Mul', [ctx.op('Atanh', [ratio]), ctx.scalar(2)]);
  const far = ctx.op('Log', [ctx.op('Add', [x, ctx.scalar(1)])]);
  return ctx.op('Where', [ctx.op('Less', [ctx.op('Abs', [x]), ctx.scalar(0.5)]), near, far]);
};

const Cast: KernelLowering<'Cast'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  if (x.dtype === y.dtype) return ctx.alias(y, x);
  const perm = orderOf(x, ctx);
  return ctx.set(y, as(ctx.get(x, perm), ONNX_DTYPE[y.dtype], ctx), perm);
};

/** In tfjs the sign of NaN is 0. */
const Sign: Formula = (x, ctx) => {
  const sign = ctx.op('Sign', [x]);
  return x.dtype === 'float32' ? ctx.op('Where', [ctx.op('IsNaN', [x]), ctx.scalar(0), sign]) : sign;
};

const Identity: KernelLowering<'Identity'> = (call, ctx) => ctx.alias(output(call, ctx), input(call, 'x', ctx));

/** Lowerings of the kernels of one tensor, by name. */
export const unaryKernels: Record<UnaryKernel, KernelLowering> = {
  Abs: numeric('Abs'),
  Acos: float('Acos'),
  Acosh: float('Acosh'),
  Asin: float('Asin'),
  Asinh: float('Asinh'),
  Atan: float('Atan'),
  Atanh: float('Atanh'),
  Cast,
  Ceil: float('Ceil'),
  ClipByValue: unary(ClipByValue),
  Cos: float('Cos'),
  Cosh: float('Cosh'),
  Erf: float('Erf'),
  Exp: float('Exp'),
  Expm1: unary(Expm1, 'float32'),
  Floor: float('Floor'),
  Identity,
  IsFinite: unary((x, ctx) => ctx.op('Not', [ctx.op('Or', [ctx.op('IsNaN', [x]), ctx.op('IsInf', [x])])]), 'float32'),
  IsInf: float('IsInf'),
  IsNan: float('IsNaN'),
  Log: float('Log'),
  Log1p: unary(Log1p, 'float32'),
  LogicalNot: unary((x, ctx) => ctx.op('Not', [x]), 'bool'),
  Neg: numeric('Neg'),
  Reciprocal: float('Reciprocal'),
  Round: float('Round'),
  Rsqrt: unary((x, ctx) => ctx.op('Reciprocal', [ctx.op('Sqrt', [x])]), 'float32'),
  Sign: unary(Sign),
  Sin: float('Sin'),
  Sinh: float('Sinh'),
  Sqrt: float('Sqrt'),
  Square: unary((x, ctx) => ctx.op('Mul', [x, x])),
  Tan: float('Tan'),
};
