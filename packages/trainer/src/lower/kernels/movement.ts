// Kernels that rearrange axes: reshape, transpose, stack, concatenate, split, tile. Most keep the stored order and move
// no data.
import type { Value } from '@forja/core/onnx';
import type { Size } from '../../program/program.js';
import type { MovementKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { blockKernels } from './blocks.js';
import { gatherKernels } from './gather.js';
import {
  as,
  axisOf,
  counted,
  inputList,
  orderOf,
  physical,
  sameShape,
  sizeAt,
  sizesAttribute,
  without,
  withAxis,
} from './layout.js';
import { regroup } from './regroup.js';
import { scatterKernels } from './scatter.js';
import { sliceKernels } from './slice.js';
import { dim, input, output, product } from './spatial.js';

/** Defines `y` as `x` reshaped. Keeps the stored order if a plain Reshape can. */
function reshaped(x: Logical, y: Logical, ctx: LowerContext): void {
  if (sameShape(x.shape, y.shape)) return ctx.alias(y, x);
  const perm = orderOf(x, ctx);
  const order = regroup(x.shape, y.shape, perm);
  if (order === undefined) return ctx.set(y, ctx.reshape(ctx.get(x), y.shape));
  return ctx.set(y, ctx.reshape(ctx.get(x, perm), physical(y.shape, order)), order);
}

const Reshape: KernelLowering<'Reshape'> = (call, ctx) => reshaped(input(call, 'x', ctx), output(call, ctx), ctx);

const ExpandDims: KernelLowering<'ExpandDims'> = (call, ctx) =>
  reshaped(input(call, 'input', ctx), output(call, ctx), ctx);

/** Moves no data: the result is the stored input, described by another order. */
const Transpose: KernelLowering<'Transpose'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const perm = call.attrs['perm'];
  if (!Array.isArray(perm)) return ctx.unsupported('attribute perm must be a list of axes');
  const stored = orderOf(x, ctx);
  return ctx.set(
    y,
    ctx.get(x, stored),
    stored.map((axis) => perm.indexOf(axis)),
  );
};

const Concat: KernelLowering<'Concat'> = (call, ctx) => {
  const y = output(call, ctx);
  const axis = axisOf(call.attrs['axis'], y.rank, ctx);
  const parts = inputList(call).filter((part) => part.shape[axis] !== 0);
  const [only] = parts;
  if (only === undefined) return ctx.unsupported('a concatenation of empty tensors');
  if (parts.length === 1 && only.dtype === y.dtype) return ctx.alias(y, only);
  const perm = ctx.commonLayout(parts, y.rank);
  const values = parts.map((part) => as(ctx.get(part, perm), ONNX_DTYPE[y.dtype], ctx));
  ctx.set(y, ctx.op('Concat', values, { axis: perm.indexOf(axis) }), perm);
};

/** tf.stack: each part gets a new axis, stored just before the axis that follows it. */
const Pack: KernelLowering<'Pack'> = (call, ctx) => {
  const [parts, y] = [inputList(call), output(call, ctx)];
  const axis = axisOf(call.attrs['axis'], y.rank, ctx);
  const common = ctx.commonLayout(parts, y.rank - 1);
  const { perm, position } = withAxis(common, axis);
  const values = parts.map((part) =>
    ctx.op('Unsqueeze', [as(ctx.get(part, common), ONNX_DTYPE[y.dtype], ctx), ctx.int64s([position])]),
  );
  const [first] = values;
  if (first === undefined) return ctx.unsupported('a stack of nothing');
  ctx.set(y, values.length === 1 ? first : ctx.op('Concat', values, { axis: position }), perm);
};

/** Splits a value into pieces of the given sizes along a stored axis. */
function split(value: Value, position: number, sizes: readonly Size[], ctx: LowerContext): Value[] {
  return sizes.length === 1 ? [value] : ctx.ops('Split', [value, ctx.sizes(sizes)], { axis: position }, sizes.length);
}

const SplitV: KernelLowering<'SplitV'> = (call, ctx) => {
  const x = input(call, 'x', ctx);
  const [axis, perm] = [axisOf(call.attrs['axis'] ?? 0, x.rank, ctx), orderOf(x, ctx)];
  const pieces = split(
    ctx.get(x, perm),
    perm.indexOf(axis),
    call.outputs.map((y) => dim(y, axis)),
    ctx,
  );
  call.outputs.forEach((y, i) => ctx.set(y, pieces[i] ?? ctx.unsupported(`piece ${i} is missing`), perm));
};

const Unpack: KernelLowering<'Unpack'> = (call, ctx) => {
  const x = input(call, 'value', ctx);
  const [axis, perm] = [axisOf(call.attrs['axis'] ?? 0, x.rank, ctx), orderOf(x, ctx)];
  const position = perm.indexOf(axis);
  const pieces = split(
    ctx.get(x, perm),
    position,
    call.outputs.map(() => 1),
    ctx,
  );
  call.outputs.forEach((y, i) => {
    const piece = pieces[i] ?? ctx.unsupported(`piece ${i} is missing`);
    ctx.set(y, ctx.op('Squeeze', [piece, ctx.int64s([position])]), without(perm, [axis]));
  });
};

const Tile: KernelLowering<'Tile'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const reps = sizesAttribute(call, 'reps', ctx);
  const perm = orderOf(x, ctx);
  if (reps.every((n) => n === 1)) return ctx.alias(y, x);
  // tf.broadcastTo is recorded as a Tile of axes of size 1.
  const broadcast = x.shape.every((size, axis) => size === 1 || sizeAt(reps, axis) === 1);
  const value = ctx.get(x, perm);
  return ctx.set(
    y,
    broadcast
      ? ctx.op('Expand', [value, ctx.sizes(physical(y.shape, perm))])
      : ctx.op('Tile', [value, ctx.sizes(physical(reps, perm))]),
    perm,
  );
};

const BroadcastTo: KernelLowering<'BroadcastTo'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const perm = ctx.commonLayout([x], y.rank);
  ctx.set(y, ctx.op('Expand', [ctx.broadcast(x, y.rank, perm), ctx.sizes(physical(y.shape, perm))]), perm);
};

/** The broadcast of two shapes that are tensors themselves: where one shape has 1, it takes the other's size. */
const BroadcastArgs: KernelLowering<'BroadcastArgs'> = (call, ctx) => {
  const [a, b, y] = [input(call, 's0', ctx), input(call, 's1', ctx), output(call, ctx)];
  const size = dim(y, 0);
  const padded = (v: Logical): Value => {
    const missing =
      typeof size === 'number' && typeof v.shape[0] === 'number'
        ? size - v.shape[0]
        : ctx.unsupported('shapes of dynamic rank');
    return missing === 0
      ? ctx.get(v)
      : ctx.op('Concat', [ctx.constant('int32', [missing], new Array<number>(missing).fill(1)), ctx.get(v)], {
          axis: 0,
        });
  };
  const [left, right] = [padded(a), padded(b)];
  ctx.set(y, ctx.op('Where', [ctx.op('Equal', [left, ctx.constant('int32', [], [1])]), right, left]));
};

/** A diagonal matrix; for a tensor of rank r, a tensor of rank 2r. */
const Diag: KernelLowering<'Diag'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const n = product(x.shape);
  const index = ctx.reshape(counted(n, 'int32', ctx), [1, n]);
  const same = ctx.op('Equal', [ctx.reshape(index, [n, 1]), index]);
  const value = ctx.reshape(as(ctx.get(x), 'float32', ctx), [1, n]);
  ctx.set(y, as(ctx.reshape(ctx.op('Where', [same, value, ctx.scalar(0)]), y.shape), ONNX_DTYPE[y.dtype], ctx));
};

/** Lowerings of the kernels that move elements, by name. */
export const movementKernels: Record<MovementKernel, KernelLowering> = {
  ...blockKernels,
  ...gatherKernels,
  ...scatterKernels,
  ...sliceKernels,
  BroadcastArgs,
  BroadcastTo,
  Concat,
  Diag,
  ExpandDims,
  Pack,
  Reshape,
  SplitV,
  Tile,
  Transpose,
  Unpack,
};
