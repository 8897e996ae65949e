// Writing by index: scatterND, tensorScatterUpdate, sparseToDense.
import type { Value } from '@forja/core/onnx';
import type { Size } from '../../program/program.js';
import { ONNX_DTYPE, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { arithmeticType, as, filled, physical, sizesAttribute } from './layout.js';
import { input, output } from './spatial.js';

/** Index rows as int64. A vector of indices addresses the first axis, one index each. */
function rows(indices: Logical, ctx: LowerContext): Value {
  const value = as(ctx.get(indices), 'int64', ctx);
  return indices.rank === 1 ? ctx.op('Unsqueeze', [value, ctx.int64s([1])]) : value;
}

/** The shape of updates for these indices. */
function updateShape(indices: Logical, shape: readonly Size[]): Size[] {
  if (indices.rank === 1) return [...indices.shape, ...shape.slice(1)];
  const depth = indices.shape[indices.rank - 1];
  return [...indices.shape.slice(0, -1), ...shape.slice(typeof depth === 'number' ? depth : shape.length)];
}

/** The updates; a scalar update is expanded to all slices. */
function spread(
  updates: Logical,
  indices: Logical,
  shape: readonly Size[],
  type: 'float32' | 'int32',
  ctx: LowerContext,
): Value {
  const value = as(ctx.get(updates), type, ctx);
  return updates.rank === 0 ? ctx.op('Expand', [value, ctx.sizes(updateShape(indices, shape))]) : value;
}

/** Zeros plus the sum of all updates of each position. */
const ScatterNd: KernelLowering<'ScatterNd'> = (call, ctx) => {
  const [indices, updates, y] = [input(call, 'indices', ctx), input(call, 'updates', ctx), output(call, ctx)];
  const type = arithmeticType(y.dtype);
  const shape = sizesAttribute(call, 'shape', ctx);
  const sums = ctx.op(
    'ScatterND',
    [filled(0, type, shape, ctx), rows(indices, ctx), spread(updates, indices, shape, type, ctx)],
    { reduction: 'add' },
  );
  ctx.set(y, as(sums, ONNX_DTYPE[y.dtype], ctx));
};

const TensorScatterUpdate: KernelLowering<'TensorScatterUpdate'> = (call, ctx) => {
  const [base, indices, updates, y] = [
    input(call, 'tensor', ctx),
    input(call, 'indices', ctx),
    input(call, 'updates', ctx),
    output(call, ctx),
  ];
  const type = arithmeticType(y.dtype);
  const written = ctx.op('ScatterND', [
    as(ctx.get(base), type, ctx),
    rows(indices, ctx),
    spread(updates, indices, base.shape, type, ctx),
  ]);
  ctx.set(y, as(written, ONNX_DTYPE[y.dtype], ctx));
};

const SparseToDense: KernelLowering<'SparseToDense'> = (call, ctx) => {
  const [indices, values, rest, y] = [
    input(call, 'sparseIndices', ctx),
    input(call, 'sparseValues', ctx),
    input(call, 'defaultValue', ctx),
    output(call, ctx),
  ];
  const type = arithmeticType(y.dtype);
  const shape = sizesAttribute(call, 'outputShape', ctx);
  const base = ctx.op('Expand', [
    as(ctx.get(rest), type, ctx),
    ctx.sizes(
      physical(
        shape,
        shape.map((_, i) => i),
      ),
    ),
  ]);
  // A scalar index addresses one element.
  const index = indices.rank === 0 ? ctx.reshape(as(ctx.get(indices), 'int64', ctx), [1, 1]) : rows(indices, ctx);
  const updates =
    indices.rank === 0
      ? ctx.reshape(as(ctx.get(values), type, ctx), [1, ...shape.slice(1)])
      : spread(values, indices, shape, type, ctx);
  ctx.set(y, as(ctx.op('ScatterND', [base, index, updates]), ONNX_DTYPE[y.dtype], ctx));
};

/** Lowerings of the kernels that write by index, by name. */
export const scatterKernels: Record<'ScatterNd' | 'SparseToDense' | 'TensorScatterUpdate', KernelLowering> = {
  ScatterNd,
  SparseToDense,
  TensorScatterUpdate,
};
