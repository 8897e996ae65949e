// Element-wise kernels of several tensors, broadcast as in tfjs, in the order that moves the least data.
import type { OpName, Value } from '@forja/core/onnx';
import type { BinaryKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type KernelLowering, type LowerContext } from '../contract.js';
import { binary, typed, type PairFormula } from './formula.js';
import { arithmeticType, as, inputList, scalar, upcast } from './layout.js';
import { input, output } from './spatial.js';

const op =
  (name: OpName): PairFormula =>
  (a, b, ctx) =>
    ctx.op(name, [a, b]);

/** True where exactly one of two values is negative. */
function signsDiffer(a: Value, b: Value, ctx: LowerContext): Value {
  const zero = scalar(0, a.dtype, ctx);
  return ctx.op('Xor', [ctx.op('Less', [a, zero]), ctx.op('Less', [b, zero])]);
}

/**
 * Integers `b` with 1 in place of -1 and 0: onnxruntime ends the process for the least integer divided by -1, and fails
 * for a division by 0. Remainders are 0 for both, as in tfjs, whose integer arrays make 0 of NaN and of infinity.
 */
function divisorOf(b: Value, ctx: LowerContext): { divisor: Value; negated: Value; zero: Value } {
  const negated = ctx.op('Equal', [b, scalar(-1, 'int32', ctx)]);
  const zero = ctx.op('Equal', [b, scalar(0, 'int32', ctx)]);
  const divisor = ctx.op('Where', [ctx.op('Or', [negated, zero]), scalar(1, 'int32', ctx), b]);
  return { divisor, negated, zero };
}

/**
 * The remainder with the divisor's sign. ONNX has it for integers; for floats it is C's fmod plus the divisor where the
 * signs differ.
 */
const floorMod: PairFormula = (a, b, ctx) => {
  if (a.dtype === 'int32') return ctx.op('Mod', [a, divisorOf(b, ctx).divisor], { fmod: 0 });
  const rest = ctx.op('Mod', [a, b], { fmod: 1 });
  const correct = ctx.op('And', [signsDiffer(rest, b, ctx), ctx.op('Not', [ctx.op('Equal', [rest, ctx.scalar(0)])])]);
  return ctx.op('Where', [correct, ctx.op('Add', [rest, b]), rest]);
};

/**
 * Division rounded down, of integers. ONNX rounds towards zero. For -1 it is -a, which wraps around as in tfjs; for 0
 * it is 0, as in tfjs.
 */
function floorDivIntegers(a: Value, b: Value, ctx: LowerContext): Value {
  const { divisor, negated, zero } = divisorOf(b, ctx);
  const truncated = ctx.op('Div', [a, divisor]);
  const inexact = ctx.op('Not', [ctx.op('Equal', [ctx.op('Mul', [truncated, divisor]), a])]);
  const above = as(ctx.op('And', [inexact, signsDiffer(a, divisor, ctx)]), 'int32', ctx);
  const nothing = scalar(0, 'int32', ctx);
  const quotient = ctx.op('Where', [zero, nothing, ctx.op('Sub', [truncated, above])]);
  return ctx.op('Where', [negated, ctx.op('Sub', [nothing, a]), quotient]);
}

/**
 * Division rounded down. Of floats it is (a - mod) / b, because a quotient may round up to a whole number: 1 / 0.1 to
 * 10, where the result is 9. Exact up to quotients of about 2^22. Where that is no number (infinity, division by 0),
 * it is the quotient.
 */
const floorDiv: PairFormula = (a, b, ctx) => {
  if (a.dtype === 'int32') return floorDivIntegers(a, b, ctx);
  const exact = ctx.op('Round', [ctx.op('Div', [ctx.op('Sub', [a, floorMod(a, b, ctx)]), b])]);
  return ctx.op('Where', [ctx.op('IsNaN', [exact]), ctx.op('Floor', [ctx.op('Div', [a, b])]), exact]);
};

const squaredDifference: PairFormula = (a, b, ctx) => {
  const difference = ctx.op('Sub', [a, b]);
  return ctx.op('Mul', [difference, difference]);
};

/** True for negative numbers and for -0, whose reciprocal is negative. */
function hasSign(value: Value, ctx: LowerContext): Value {
  const negative = (v: Value): Value => ctx.op('Less', [v, ctx.scalar(0)]);
  return ctx.op('Or', [negative(value), negative(ctx.op('Reciprocal', [value]))]);
}

/**
 * The angle of (x, y), from Atan of y / x and the quadrant, which of zeros is that of their signs. ONNX has no Atan2.
 */
const atan2: PairFormula = (y, x, ctx) => {
  const isZero = (value: Value): Value => ctx.op('Equal', [value, ctx.scalar(0)]);
  const quotient = ctx.op('Atan', [ctx.op('Div', [y, x])]);
  const half = ctx.op('Where', [ctx.op('And', [isZero(x), isZero(y)]), y, quotient]);
  const turn = ctx.op('Where', [hasSign(y, ctx), ctx.scalar(-Math.PI), ctx.scalar(Math.PI)]);
  return ctx.op('Where', [hasSign(x, ctx), ctx.op('Add', [half, turn]), half]);
};

const AddN: KernelLowering<'AddN'> = (call, ctx) => {
  const [terms, y] = [inputList(call), output(call, ctx)];
  const perm = ctx.commonLayout(terms, y.rank);
  const values = terms.map((t) => as(ctx.broadcast(t, y.rank, perm), arithmeticType(y.dtype), ctx));
  // Not ONNX's variadic Sum, which onnxruntime implements for floats on CPU only.
  const sum = values.reduce((a, b) => ctx.op('Add', [a, b]));
  ctx.set(y, typed(sum, y, call, ctx), perm);
};

/** tfjs's `where`. A condition of rank 1 selects whole slices along the first axis. */
const Select: KernelLowering<'Select'> = (call, ctx) => {
  const [condition, t, e, y] = [
    input(call, 'condition', ctx),
    input(call, 't', ctx),
    input(call, 'e', ctx),
    output(call, ctx),
  ];
  const perm = ctx.commonLayout([t, e], y.rank);
  const bySlice = condition.rank === 1 && y.rank > 1;
  const placed = bySlice
    ? ctx.reshape(
        ctx.get(condition),
        perm.map((axis) => (axis === 0 ? (condition.shape[0] ?? 1) : 1)),
      )
    : ctx.broadcast(condition, y.rank, perm);
  // onnxruntime's Where does not support bool values.
  const type = arithmeticType(upcast([t, e]));
  const [yes, no] = [as(ctx.broadcast(t, y.rank, perm), type, ctx), as(ctx.broadcast(e, y.rank, perm), type, ctx)];
  ctx.set(y, as(ctx.op('Where', [as(placed, 'bool', ctx), yes, no]), ONNX_DTYPE[y.dtype], ctx), perm);
};

/** ONNX's PRelu broadcasts only the slope; if the slope is the larger operand, use Where instead. */
const Prelu: KernelLowering<'Prelu'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const fits = x.rank === y.rank && x.shape.every((size, i) => size !== 1 || y.shape[i] === 1);
  const formula: PairFormula = fits
    ? op('PRelu')
    : (a, b, c) => c.op('Where', [c.op('Less', [a, c.scalar(0)]), c.op('Mul', [a, b]), a]);
  binary(formula, 'float32', ['x', 'alpha'])(call, ctx);
};

/** Lowerings of the kernels of several tensors, by name. */
export const binaryKernels: Record<BinaryKernel, KernelLowering> = {
  Add: binary(op('Add')),
  AddN,
  Atan2: binary(atan2, 'float32'),
  BitwiseAnd: binary(op('BitwiseAnd'), 'int32'),
  // dy · (y < 0 ? y + 1 : 1)
  EluGrad: binary(
    (dy, y, ctx) => ctx.op('Mul', [dy, ctx.op('Add', [ctx.op('Min', [y, ctx.scalar(0)]), ctx.scalar(1)])]),
    'float32',
    ['dy', 'y'],
  ),
  Equal: binary(op('Equal')),
  FloorDiv: binary(floorDiv),
  Greater: binary(op('Greater')),
  GreaterEqual: binary(op('GreaterOrEqual')),
  Less: binary(op('Less')),
  LessEqual: binary(op('LessOrEqual')),
  LogicalAnd: binary(op('And'), 'bool'),
  LogicalOr: binary(op('Or'), 'bool'),
  LogicalXor: binary(op('Xor'), 'bool'),
  Maximum: binary(op('Max')),
  Minimum: binary(op('Min')),
  Mod: binary(floorMod),
  Multiply: binary(op('Mul')),
  NotEqual: binary((a, b, ctx) => ctx.op('Not', [ctx.op('Equal', [a, b])])),
  Pow: binary(op('Pow')),
  Prelu,
  RealDiv: binary(op('Div'), 'float32'),
  Select,
  SquaredDifference: binary(squaredDifference),
  Sub: binary(op('Sub')),
};
