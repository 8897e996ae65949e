// Reductions along the axes' stored positions; the result keeps the order of the remaining axes.
import type { Value } from '@forja/core/onnx';
import { isStatic, type ProgramDType, type Size } from '../../program/program.js';
import type { ReductionKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type LowerContext } from '../contract.js';
import { countKernels } from './count.js';
import { arithmeticType, as, axesOf, axisOf, orderOf, physical, sizeAt, sizeAttribute, without } from './layout.js';
import { scanKernels } from './scan.js';
import { input, output } from './spatial.js';
import { total } from './total.js';

type ReduceOp = 'ReduceSum' | 'ReduceMean' | 'ReduceProd' | 'ReduceMax' | 'ReduceMin';

/** `dtype`: the type to compute in, given the input's type; `attribute`: the name of the axes attribute. */
function reduce(op: ReduceOp, dtype: (x: ProgramDType) => 'float32' | 'int32', attribute = 'axis'): KernelLowering {
  return (call, ctx) => {
    const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
    const axes = axesOf(call.attrs[attribute], x.rank, ctx);
    const perm = orderOf(x, ctx);
    const value = as(ctx.get(x, perm), dtype(x.dtype), ctx);
    const keep = call.attrs['keepDims'] === true;
    const along = positions(perm, axes);
    const result = axes.length === 0 ? value : reduced(op, value, physical(x.shape, perm), along, keep ? 1 : 0, ctx);
    ctx.set(y, as(result, ONNX_DTYPE[y.dtype], ctx), keep ? perm : without(perm, axes));
  };
}

function reduced(
  op: ReduceOp,
  value: Value,
  sizes: readonly Size[],
  axes: readonly number[],
  keepdims: 0 | 1,
  ctx: LowerContext,
): Value {
  if (op === 'ReduceMax' || op === 'ReduceMin') return extreme(op, value, ctx.int64s(axes), { keepdims }, ctx);
  return value.dtype === 'float32' && op !== 'ReduceProd'
    ? total(op, value, sizes, axes, keepdims, ctx)
    : ctx.op(op, [value, ctx.int64s(axes)], { keepdims });
}

/** The extreme of floats is NaN if any of them is, as in tfjs. onnxruntime ignores NaN. */
function extreme(
  op: 'ReduceMax' | 'ReduceMin',
  value: Value,
  axes: Value,
  attributes: { keepdims: 0 | 1 },
  ctx: LowerContext,
): Value {
  const result = ctx.op(op, [value, axes], attributes);
  if (value.dtype !== 'float32') return result;
  const broken = ctx.op('ReduceMax', [as(ctx.op('IsNaN', [value]), 'int32', ctx), axes], attributes);
  return ctx.op('Where', [as(broken, 'bool', ctx), ctx.scalar(NaN), result]);
}

function positions(perm: readonly number[], axes: readonly number[]): number[] {
  return [...new Set(axes)].map((axis) => perm.indexOf(axis)).sort((a, b) => a - b);
}

/**
 * The first index of the extreme, as int32. tfjs compares each number with the best so far, so a NaN is skipped, but a
 * NaN in the first position is always chosen.
 */
function arg(op: 'ArgMax' | 'ArgMin'): KernelLowering {
  return (call, ctx) => {
    const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
    const [axis, perm] = [axisOf(call.attrs['axis'], x.rank, ctx), orderOf(x, ctx)];
    const value = as(ctx.get(x, perm), arithmeticType(x.dtype), ctx);
    const index = ctx.op(
      op,
      [
        x.dtype === 'float32'
          ? comparable(value, op, sizeAt(x.shape, axis), perm.length - perm.indexOf(axis), ctx)
          : value,
      ],
      { axis: perm.indexOf(axis), keepdims: 0 },
    );
    ctx.set(y, as(index, 'int32', ctx), without(perm, [axis]));
  };
}

/**
 * Replaces NaN by a value that is never chosen, or, in the first position, by one that always is. On an axis of dynamic
 * size, NaN is never chosen. `rank` is the number of axes from the reduced one to the last.
 */
function comparable(value: Value, op: 'ArgMax' | 'ArgMin', size: Size, rank: number, ctx: LowerContext): Value {
  const worst = op === 'ArgMax' ? -Infinity : Infinity;
  const substitute = isStatic(size)
    ? ctx.constant(
        'float32',
        [size, ...new Array<number>(rank - 1).fill(1)],
        Array.from({ length: size }, (_, i) => (i === 0 ? -worst : worst)),
      )
    : ctx.scalar(worst);
  return ctx.op('Where', [ctx.op('IsNaN', [value]), substitute, value]);
}

/** Both tfjs and ONNX keep equal values in index order. If tfjs is asked not to sort, this still sorts. */
const TopK: KernelLowering<'TopK'> = (call, ctx) => {
  const x = input(call, 'x', ctx);
  const [values, indices] = [outputAt(call, 0, ctx), outputAt(call, 1, ctx)];
  const perm = orderOf(x, ctx);
  const k = ctx.sizes([sizeAttribute(call, 'k', ctx)]);
  const [best, index] = ctx.ops(
    'TopK',
    [as(ctx.get(x, perm), arithmeticType(x.dtype), ctx), k],
    { axis: perm.indexOf(x.rank - 1), largest: 1, sorted: 1 },
    2,
  );
  if (best === undefined || index === undefined) return ctx.unsupported('TopK made no outputs');
  ctx.set(values, as(best, ONNX_DTYPE[values.dtype], ctx), perm);
  ctx.set(indices, as(index, 'int32', ctx), perm);
};

function outputAt(call: BoundCall, index: number, ctx: LowerContext): BoundCall['outputs'][number] {
  return call.outputs[index] ?? ctx.unsupported(`the call has no output ${index}`);
}

/** Lowerings of the reductions, by name. */
export const reductionKernels: Record<ReductionKernel, KernelLowering> = {
  ...scanKernels,
  ...countKernels,
  // On bools the minimum is "all" and the maximum is "any".
  All: reduce('ReduceMin', () => 'int32'),
  Any: reduce('ReduceMax', () => 'int32'),
  ArgMax: arg('ArgMax'),
  ArgMin: arg('ArgMin'),
  Max: reduce('ReduceMax', arithmeticType, 'reductionIndices'),
  Mean: reduce('ReduceMean', () => 'float32'),
  Min: reduce('ReduceMin', arithmeticType),
  Prod: reduce('ReduceProd', arithmeticType),
  Sum: reduce('ReduceSum', arithmeticType),
  TopK,
};
