// Reading by index: gather, gatherND, one-hot.
import type { Value } from '@forja/core/onnx';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { as, axisOf, counted, identity, orderOf, scalar, sizeAt, sizeAttribute } from './layout.js';
import { input, output } from './spatial.js';

const GatherV2: KernelLowering<'GatherV2'> = (call, ctx) => {
  const [x, indices, y] = [input(call, 'x', ctx), input(call, 'indices', ctx), output(call, ctx)];
  const axis = axisOf(call.attrs['axis'] ?? 0, x.rank, ctx);
  const batch = Number(call.attrs['batchDims'] ?? 0);
  const batchDims = batch < 0 ? batch + indices.rank : batch;
  if (batchDims > 0) return batched(x, indices, y, axis, batchDims, ctx);
  // A one-dimensional index replaces the gathered axis, in any stored order.
  const perm = indices.rank === 1 ? orderOf(x, ctx) : identity(x.rank);
  const value = ctx.op('Gather', [ctx.get(x, perm), as(ctx.get(indices), 'int32', ctx)], { axis: perm.indexOf(axis) });
  return ctx.set(y, value, indices.rank === 1 ? perm : undefined);
};

/** GatherND indexes the axis after the batch axes, so x is read with the gathered axis moved there. */
function batched(x: Logical, indices: Logical, y: Logical, axis: number, batchDims: number, ctx: LowerContext): void {
  const batch = [...identity(batchDims)];
  const between = [...identity(x.rank)].slice(batchDims, axis);
  const value = ctx.get(x, [...batch, axis, ...between, ...[...identity(x.rank)].slice(axis + 1)]);
  const index = ctx.op('Unsqueeze', [as(ctx.get(indices), 'int64', ctx), ctx.int64s([indices.rank])]);
  const gathered = ctx.op('GatherND', [value, index], { batch_dims: batchDims });
  // Stored order: batch, index axes, axes in between, rest. Logically the index axes replace the gathered axis.
  const indexAxes = Array.from({ length: indices.rank - batchDims }, (_, i) => axis + i);
  const rest = Array.from({ length: x.rank - axis - 1 }, (_, i) => axis + indexAxes.length + i);
  ctx.set(y, gathered, [...batch, ...indexAxes, ...between, ...rest]);
}

const GatherNd: KernelLowering<'GatherNd'> = (call, ctx) => {
  const [params, indices] = [input(call, 'params', ctx), input(call, 'indices', ctx)];
  if (sizeAt(indices.shape, indices.rank - 1) === 0) return ctx.unsupported('indices of length 0');
  return ctx.set(output(call, ctx), ctx.op('GatherND', [ctx.get(params), as(ctx.get(indices), 'int64', ctx)]));
};

/**
 * A comparison with 0..depth-1, so that an index out of range gives all "off"; ONNX's OneHot would wrap negative ones.
 */
const OneHot: KernelLowering<'OneHot'> = (call, ctx) => {
  const [indices, y] = [input(call, 'indices', ctx), output(call, ctx)];
  const depth = sizeAttribute(call, 'depth', ctx);
  const perm = orderOf(indices, ctx);
  const classes = counted(depth, 'int32', ctx);
  const column = ctx.op('Unsqueeze', [as(ctx.get(indices, perm), 'int32', ctx), ctx.int64s([indices.rank])]);
  ctx.set(y, switched(ctx.op('Equal', [column, classes]), call, y, ctx), [...perm, indices.rank]);
};

function switched(hot: Value, call: BoundCall, y: Logical, ctx: LowerContext): Value {
  const [on, off] = [Number(call.attrs['onValue'] ?? 1), Number(call.attrs['offValue'] ?? 0)];
  const dtype = ONNX_DTYPE[y.dtype];
  if (on === 1 && off === 0) return as(hot, dtype, ctx);
  const type = dtype === 'bool' ? 'int32' : dtype;
  return as(ctx.op('Where', [hot, scalar(on, type, ctx), scalar(off, type, ctx)]), dtype, ctx);
}

/** Lowerings of the kernels that read by index, by name. */
export const gatherKernels: Record<'GatherNd' | 'GatherV2' | 'OneHot', KernelLowering> = { GatherNd, GatherV2, OneHot };
