// Positions in sorted rows, and sparse reshapes: integer arithmetic.
import type { Value } from '@forja/core/onnx';
import type { SearchKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type KernelLowering, type LowerContext } from '../contract.js';
import { arithmeticType, as, upcast } from './layout.js';
import { dim, fixed, input, output } from './spatial.js';

/** A value's position in a sorted row is the number of elements before it. */
const SearchSorted: KernelLowering<'SearchSorted'> = (call, ctx) => {
  const [sorted, values, y] = [input(call, 'sortedSequence', ctx), input(call, 'values', ctx), output(call, ctx)];
  const type = arithmeticType(upcast([sorted, values]));
  const row = ctx.op('Unsqueeze', [as(ctx.get(sorted), type, ctx), ctx.int64s([1])]);
  const value = ctx.op('Unsqueeze', [as(ctx.get(values), type, ctx), ctx.int64s([2])]);
  const before = ctx.op(call.attrs['side'] === 'right' ? 'LessOrEqual' : 'Less', [row, value]);
  ctx.set(y, ctx.op('ReduceSum', [as(before, 'int32', ctx), ctx.int64s([2])], { keepdims: 0 }));
};

/** Strides of each axis of a shape that is a tensor itself. */
function strides(shape: Value, rank: number, ctx: LowerContext): Value[] {
  const size = (axis: number): Value => ctx.op('Slice', [shape, ctx.int64s([axis]), ctx.int64s([axis + 1])]);
  const result: Value[] = [];
  for (let axis = rank - 1; axis >= 0; axis--) {
    const [next] = result;
    result.unshift(next === undefined ? ctx.int64s([1]) : ctx.op('Mul', [next, size(axis + 1)]));
  }
  return result;
}

/** Flattens indices with the old shape and splits them with the new one, in which -1 is the remaining size. */
const SparseReshape: KernelLowering<'SparseReshape'> = (call, ctx) => {
  const [indices, from, to] = [
    input(call, 'inputIndices', ctx),
    input(call, 'inputShape', ctx),
    input(call, 'newShape', ctx),
  ];
  const [places, shape] = [output(call, ctx), call.outputs[1] ?? ctx.unsupported('the call has no second output')];
  const [rank, newRank] = [fixed(dim(from, 0), 'rank', ctx), fixed(dim(to, 0), 'rank', ctx)];
  const [old, asked] = [as(ctx.get(from), 'int64', ctx), as(ctx.get(to), 'int64', ctx)];
  const open = ctx.op('Equal', [asked, ctx.constant('int64', [], [-1])]);
  const total = (value: Value): Value => ctx.op('ReduceProd', [value, ctx.int64s([0])], { keepdims: 1 });
  const rest = ctx.op('Div', [total(old), total(ctx.op('Where', [open, ctx.constant('int64', [], [1]), asked]))]);
  const resolved = ctx.op('Where', [open, rest, asked]);
  const steps = strides(old, rank, ctx);
  let place = ctx.op(
    'ReduceSum',
    [ctx.op('Mul', [as(ctx.get(indices), 'int64', ctx), ctx.op('Concat', steps, { axis: 0 })]), ctx.int64s([1])],
    { keepdims: 1 },
  );
  const columns = strides(resolved, newRank, ctx).map((step) => {
    const column = ctx.op('Div', [place, step]);
    place = ctx.op('Sub', [place, ctx.op('Mul', [column, step])]);
    return column;
  });
  ctx.set(places, as(ctx.op('Concat', columns, { axis: 1 }), ONNX_DTYPE[places.dtype], ctx));
  ctx.set(shape, as(resolved, ONNX_DTYPE[shape.dtype], ctx));
};

/** Lowerings of the searches, by name. */
export const searchKernels: Record<SearchKernel, KernelLowering> = { SearchSorted, SparseReshape };
