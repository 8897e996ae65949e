// Counts and sums by index: histograms and segment sums. Indices out of range are ignored, as in tfjs.
import type { Value } from '@forja/core/onnx';
import { ONNX_DTYPE, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { arithmeticType, as, filled, numberAttribute, scalar } from './layout.js';
import { dim, input, output, plus, product } from './spatial.js';

/**
 * Up to this many segments, a segment sum is a product with a one-hot matrix, which every runtime computes fast and in
 * a fixed order; above that, it is a scatter.
 */
const ONE_HOT_LIMIT = 1024;

/** The index, or `bins` (an extra last bin) if it is outside 0..bins-1. */
function withSpareBin(index: Value, bins: number, ctx: LowerContext): Value {
  const outside = ctx.op('Or', [
    ctx.op('Less', [index, scalar(0, 'int32', ctx)]),
    ctx.op('GreaterOrEqual', [index, scalar(bins, 'int32', ctx)]),
  ]);
  return ctx.op('Where', [outside, scalar(bins, 'int32', ctx), index]);
}

/** Bincount of the last axis of `x`, of rank 1 or 2. */
function bincount(
  x: Logical,
  value: Value,
  weights: Logical,
  y: Logical,
  size: number,
  binary: boolean,
  ctx: LowerContext,
): void {
  const rank = y.rank;
  const type = arithmeticType(y.dtype);
  const counted = weights.shape.every((s) => s !== 0) && !binary;
  const shape = rank === 1 ? [product(x.shape)] : x.shape;
  const updates = counted ? as(ctx.reshape(ctx.get(weights), shape), type, ctx) : filled(1, type, shape, ctx);
  const zeros = filled(0, type, [...shape.slice(0, -1), size + 1], ctx);
  const bins = ctx.op('ScatterElements', [zeros, withSpareBin(ctx.reshape(value, shape), size, ctx), updates], {
    axis: rank - 1,
    reduction: binary ? 'none' : 'add',
  });
  const kept = ctx.op('Slice', [bins, ctx.int64s([0]), ctx.int64s([size]), ctx.int64s([rank - 1])]);
  ctx.set(y, as(kept, ONNX_DTYPE[y.dtype], ctx));
}

const Bincount: KernelLowering<'Bincount'> = (call, ctx) => {
  const x = input(call, 'x', ctx);
  bincount(
    x,
    ctx.get(x),
    input(call, 'weights', ctx),
    output(call, ctx),
    numberAttribute(call, 'size', ctx),
    false,
    ctx,
  );
};

const DenseBincount: KernelLowering<'DenseBincount'> = (call, ctx) => {
  const x = input(call, 'x', ctx);
  // For a vector, tfjs's cpu kernel ignores binaryOutput and counts.
  const binary = call.attrs['binaryOutput'] === true && x.rank === 2;
  bincount(
    x,
    ctx.get(x),
    input(call, 'weights', ctx),
    output(call, ctx),
    numberAttribute(call, 'size', ctx),
    binary,
    ctx,
  );
};

/** The gradient of a gather: sums the rows of x with the same segment id. */
const UnsortedSegmentSum: KernelLowering<'UnsortedSegmentSum'> = (call, ctx) => {
  const [x, ids, y] = [input(call, 'x', ctx), input(call, 'segmentIds', ctx), output(call, ctx)];
  if (ids.rank !== 1) return ctx.unsupported(`segment ids of rank ${ids.rank}; only rank 1 has a meaning in tfjs`);
  const segments = numberAttribute(call, 'numSegments', ctx);
  const [rows, inner] = [dim(x, 0), product(x.shape.slice(1))];
  const value = as(ctx.get(x), 'float32', ctx);
  if (segments <= ONE_HOT_LIMIT) {
    const labels = ctx.constant(
      'int32',
      [segments, 1],
      Array.from({ length: segments }, (_, i) => i),
    );
    const oneHot = as(ctx.op('Equal', [labels, ctx.reshape(ctx.get(ids), [1, rows])]), 'float32', ctx);
    return ctx.set(y, ctx.reshape(ctx.op('MatMul', [oneHot, ctx.reshape(value, [rows, inner])]), y.shape));
  }
  const index = ctx.reshape(as(withSpareBin(ctx.get(ids), segments, ctx), 'int64', ctx), [rows, 1]);
  const sums = ctx.op(
    'ScatterND',
    [filled(0, 'float32', [plus(segments, 1), ...x.shape.slice(1)], ctx), index, value],
    { reduction: 'add' },
  );
  ctx.set(y, ctx.op('Slice', [sums, ctx.int64s([0]), ctx.int64s([segments]), ctx.int64s([0])]));
};

/** Lowerings of the counts, by name. */
export const countKernels: Record<'Bincount' | 'DenseBincount' | 'UnsortedSegmentSum', KernelLowering> = {
  Bincount,
  DenseBincount,
  UnsortedSegmentSum,
};
