// Builds rows of element-wise kernels from formulas over ONNX values; types, stored order and broadcasting are handled
// here.
import type { DType } from '@forja/core';
import type { OpName, Value } from '@forja/core/onnx';
import { traitsOf } from '../../kernels/traits.js';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { arithmeticType, as, orderOf, upcast } from './layout.js';
import { input, output } from './spatial.js';

/** Emits nodes for one value, which has the requested type. */
export type Formula = (x: Value, ctx: LowerContext, call: BoundCall) => Value;

/**
 * A result in the output's type. Arithmetic of bools is refused where it gives more than 0 and 1: tfjs keeps such
 * numbers in its arrays of bytes, ONNX's bool cannot.
 */
export function typed(computed: Value, y: Logical, { kernel }: BoundCall, ctx: LowerContext): Value {
  if (y.dtype === 'bool' && computed.dtype !== 'bool' && !traitsOf(kernel).keepsBools)
    ctx.unsupported(
      'arithmetic of bool values, whose results are not only 0 and 1: cast them to int32 or float32 first',
    );
  return as(computed, ONNX_DTYPE[y.dtype], ctx);
}

/** A row that computes in `dtype` (default: the input's, bool as int32) and returns in the output's type. */
export function unary(formula: Formula, dtype?: DType, name = 'x'): KernelLowering {
  return (call, ctx) => {
    const [x, y] = [input(call, name, ctx), output(call, ctx)];
    const perm = orderOf(x, ctx);
    const computed = formula(as(ctx.get(x, perm), dtype ?? arithmeticType(x.dtype), ctx), ctx, call);
    ctx.set(y, typed(computed, y, call, ctx), perm);
  };
}

/** One ONNX op on float32. */
export function float(op: OpName): KernelLowering {
  return unary((x, ctx) => ctx.op(op, [x]), 'float32');
}

/** Emits nodes for two values of one type, ready to broadcast. */
export type PairFormula = (a: Value, b: Value, ctx: LowerContext) => Value;

/**
 * A row over two tensors, in the order that moves the least data. It computes in `dtype` (default: the upcast of both,
 * bool as int32) and returns the output's type.
 */
export function binary(
  formula: PairFormula,
  dtype?: DType,
  names: readonly [string, string] = ['a', 'b'],
): KernelLowering {
  return (call, ctx) => {
    const [a, b, y] = [input(call, names[0], ctx), input(call, names[1], ctx), output(call, ctx)];
    const perm = ctx.commonLayout([a, b], y.rank);
    const type = dtype ?? arithmeticType(upcast([a, b]));
    const place = (v: Logical): Value => as(ctx.broadcast(v, y.rank, perm), type, ctx);
    ctx.set(y, typed(formula(place(a), place(b), ctx), y, call, ctx), perm);
  };
}
