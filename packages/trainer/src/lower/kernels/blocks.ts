// Moves blocks of pixels to or from channels or batch: depthToSpace, spaceToBatchND, batchToSpaceND.
import type { KernelLowering, Perm } from '../contract.js';
import { identity, numberAttribute, pairsAttribute, sameSize } from './layout.js';
import { dim, input, output, pictureAxes, plus, times } from './spatial.js';

/** tfjs reads a pixel's channels as (row, column, depth) of its block, as ONNX's DCR mode does. */
const DepthToSpace: KernelLowering<'DepthToSpace'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const block = numberAttribute(call, 'blockSize', ctx);
  const {
    nchw,
    channel,
    spatial: [h, w],
  } = pictureAxes(call.attrs['dataFormat']);
  if (x.dtype === 'float32')
    return ctx.set(y, ctx.op('DepthToSpace', [ctx.get(x, nchw)], { blocksize: block, mode: 'DCR' }), nchw);
  // onnxruntime implements DepthToSpace for floats only.
  const split = ctx.reshape(ctx.get(x, nchw), [dim(x, 0), block, block, dim(y, channel), dim(x, h), dim(x, w)]);
  const moved = ctx.op('Transpose', [split], { perm: [0, 3, 4, 1, 5, 2] });
  return ctx.set(
    y,
    ctx.reshape(
      moved,
      nchw.map((axis) => dim(y, axis)),
    ),
    nchw,
  );
};

function blockShape(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((n): n is number => typeof n === 'number') ? [...value] : undefined;
}

const SpaceToBatchND: KernelLowering<'SpaceToBatchND'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const blocks = blockShape(call.attrs['blockShape']) ?? ctx.unsupported('a block shape that is not a list of numbers');
  const paddings = pairsAttribute(call, 'paddings', ctx);
  // `side` is 0 (the begin of each pair) or 1 (its end).
  const [befores, afters] = [0, 1].map((side) => x.shape.map((_, axis) => paddings[axis - 1]?.[side as 0 | 1] ?? 0));
  const padded = paddings.flat().every((n) => n === 0)
    ? ctx.get(x)
    : ctx.op(
        'Pad',
        [
          asNumbers(x.dtype) ? ctx.get(x) : ctx.unsupported('bool values'),
          ctx.sizes([...(befores ?? []), ...(afters ?? [])]),
        ],
        { mode: 'constant' },
      );
  // [n, h, w, c] → [n, h/b, b, w/b, b, c] → [b, b, n, h/b, w/b, c]
  const split = ctx.reshape(padded, [
    dim(x, 0),
    ...blocks.flatMap((block, i) => [dim(y, i + 1), block]),
    ...x.shape.slice(blocks.length + 1),
  ]);
  const perm = [
    ...blocks.map((_, i) => 2 * i + 2),
    0,
    ...blocks.map((_, i) => 2 * i + 1),
    ...tail(2 * blocks.length + 1, x.rank - blocks.length - 1),
  ];
  ctx.set(y, ctx.reshape(ctx.op('Transpose', [split], { perm }), y.shape));
};

const BatchToSpaceND: KernelLowering<'BatchToSpaceND'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const blocks = blockShape(call.attrs['blockShape']) ?? ctx.unsupported('a block shape that is not a list of numbers');
  const crops = pairsAttribute(call, 'crops', ctx);
  // [b, b, n, h, w, c] → [n, h, b, w, b, c] → [n, h·b, w·b, c], then crop the borders
  const split = ctx.reshape(ctx.get(x), [...blocks, dim(y, 0), ...x.shape.slice(1)]);
  const perm = [
    blocks.length,
    ...blocks.flatMap((_, i) => [blocks.length + 1 + i, i]),
    ...tail(2 * blocks.length + 1, x.rank - blocks.length - 1),
  ];
  const whole = [dim(y, 0), ...x.shape.slice(1).map((size, i) => times(size, blocks[i] ?? 1))];
  const joined = ctx.reshape(ctx.op('Transpose', [split], { perm }), whole);
  const cuts = whole.flatMap((size, axis) => (sameSize(size, dim(y, axis)) ? [] : [axis]));
  if (cuts.length === 0) return ctx.set(y, joined);
  const begins = cuts.map((axis) => crops[axis - 1]?.[0] ?? 0);
  const ends = cuts.map((axis, i) => plus(begins[i] ?? 0, dim(y, axis)));
  return ctx.set(y, ctx.op('Slice', [joined, ctx.sizes(begins), ctx.sizes(ends), ctx.int64s(cuts)]));
};

function tail(start: number, length: number): Perm {
  return identity(length).map((i) => start + i);
}

function asNumbers(dtype: string): boolean {
  return dtype !== 'bool';
}

/** Lowerings of the block kernels, by name. */
export const blockKernels: Record<'BatchToSpaceND' | 'DepthToSpace' | 'SpaceToBatchND', KernelLowering> = {
  BatchToSpaceND,
  DepthToSpace,
  SpaceToBatchND,
};
