// Greyscale dilation (the maximum of window + structuring element) and its adjoints, computed from shifted slices of
// the picture. All pictures are NHWC.
import type { Value } from '@forja/core/onnx';
import type { MorphologyKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { as } from './layout.js';
import { dim, fixed, input, output, pictureAxes, windows, type Window } from './spatial.js';

const AXES = pictureAxes('NHWC');

/** The offset of each cell of the structuring element in the padded picture, and the sums at these offsets. */
interface Taps {
  ws: readonly [Window, Window];
  /** Size of the padded picture. */
  size: [number, number];
  offsets: [number, number][];
  /** x + element: one value [N, h, w, C] per cell of the element. */
  sums: Value[];
}

function taps(call: BoundCall, x: Logical, filter: Logical, small: Logical, ctx: LowerContext): Taps {
  const kernel: [number, number] = [
    fixed(dim(filter, 0), 'height of the element', ctx),
    fixed(dim(filter, 1), 'width of the element', ctx),
  ];
  const ws = windows(call, ctx, x, small, kernel, AXES);
  const [[top, bottom], [left, right]] = ws.map(
    (w) => w.pads ?? ctx.unsupported('dilation of a picture of dynamic size'),
  ) as [readonly [number, number], readonly [number, number]]; // one entry per window
  const [h, w] = ws;
  const [padBottom, padRight] = [Math.max(0, bottom), Math.max(0, right)];
  // Cells outside the picture are -∞ and never the maximum.
  const value = as(ctx.get(x), 'float32', ctx);
  const padded = [top, left, padBottom, padRight].every((n) => n === 0)
    ? value
    : ctx.op('Pad', [value, ctx.int64s([0, top, left, 0, 0, padBottom, padRight, 0]), ctx.scalar(-Infinity)], {
        mode: 'constant',
      });
  const [rows, columns] = [fixed(h.small, 'height', ctx), fixed(w.small, 'width', ctx)];
  const element = as(ctx.get(filter), 'float32', ctx);
  const offsets = Array.from({ length: kernel[0] * kernel[1] }, (_, k): [number, number] => [
    Math.floor(k / kernel[1]) * h.dilation,
    (k % kernel[1]) * w.dilation,
  ]);
  const flat = ctx.reshape(element, [offsets.length, dim(filter, 2)]);
  const sums = offsets.map(([i, j], k) => {
    const ends = [i + (rows - 1) * h.stride + 1, j + (columns - 1) * w.stride + 1];
    const under = ctx.op('Slice', [
      padded,
      ctx.int64s([i, j]),
      ctx.int64s(ends),
      ctx.int64s([1, 2]),
      ctx.int64s([h.stride, w.stride]),
    ]);
    return ctx.op('Add', [under, ctx.op('Gather', [flat, ctx.constant('int64', [], [k])], { axis: 0 })]);
  });
  return {
    ws,
    size: [fixed(dim(x, 1), 'height', ctx) + top + padBottom, fixed(dim(x, 2), 'width', ctx) + left + padRight],
    offsets,
    sums,
  };
}

const Dilation2D: KernelLowering<'Dilation2D'> = (call, ctx) => {
  const y = output(call, ctx);
  const { sums } = taps(call, input(call, 'x', ctx), input(call, 'filter', ctx), y, ctx);
  ctx.set(
    y,
    as(
      sums.reduce((a, b) => ctx.op('Max', [a, b])),
      ONNX_DTYPE[y.dtype],
      ctx,
    ),
  );
};

/** The index of the element's cell with the maximum (the first at a tie), as [N, h, w, C]. */
function winners({ sums }: Taps, ctx: LowerContext): Value {
  const stacked = ctx.op(
    'Concat',
    sums.map((sum) => ctx.op('Unsqueeze', [sum, ctx.int64s([0])])),
    { axis: 0 },
  );
  return ctx.op('ArgMax', [stacked], { axis: 0, keepdims: 0 });
}

/** Adds each gradient to the cell of the padded picture that had the maximum. Cells are addressed by flat index. */
const Dilation2DBackpropInput: KernelLowering<'Dilation2DBackpropInput'> = (call, ctx) => {
  const [x, filter, dy, dx] = [
    input(call, 'x', ctx),
    input(call, 'filter', ctx),
    input(call, 'dy', ctx),
    output(call, ctx),
  ];
  const all = taps(call, x, filter, dy, ctx);
  const {
    ws: [h, w],
    size: [height, width],
    offsets,
  } = all;
  const [rows, columns, channels] = [
    fixed(h.small, 'height', ctx),
    fixed(w.small, 'width', ctx),
    fixed(dim(x, 3), 'channels', ctx),
  ];
  const corners = Array.from(
    { length: rows * columns },
    (_, i) => Math.floor(i / columns) * h.stride * width + (i % columns) * w.stride,
  );
  const steps = ctx.constant(
    'int64',
    [offsets.length],
    offsets.map(([i, j]) => i * width + j),
  );
  const places = ctx.op('Add', [
    ctx.op('Gather', [steps, winners(all, ctx)], { axis: 0 }),
    ctx.constant('int64', [rows, columns, 1], corners),
  ]);
  const cells = [dim(x, 0), rows * columns, channels];
  const zeros = ctx.op('Expand', [ctx.scalar(0), ctx.sizes([dim(x, 0), height * width, channels])]);
  const scattered = ctx.op(
    'ScatterElements',
    [zeros, ctx.reshape(places, cells), ctx.reshape(as(ctx.get(dy), 'float32', ctx), cells)],
    { axis: 1, reduction: 'add' },
  );
  const picture = ctx.reshape(scattered, [dim(x, 0), height, width, channels]);
  const begins = [h.pads?.[0] ?? 0, w.pads?.[0] ?? 0];
  const ends = [1, 2].map((axis, i) => fixed(dim(x, axis), 'size', ctx) + (begins[i] ?? 0));
  ctx.set(
    dx,
    as(ctx.op('Slice', [picture, ctx.int64s(begins), ctx.int64s(ends), ctx.int64s([1, 2])]), ONNX_DTYPE[dx.dtype], ctx),
  );
};

/** The gradient of each cell of the element: summed over the positions where it had the maximum. */
const Dilation2DBackpropFilter: KernelLowering<'Dilation2DBackpropFilter'> = (call, ctx) => {
  const [filter, dy, dw] = [input(call, 'filter', ctx), input(call, 'dy', ctx), output(call, ctx)];
  const all = taps(call, input(call, 'x', ctx), filter, dy, ctx);
  const count = all.offsets.length;
  const cells = ctx.constant(
    'int64',
    [count, 1, 1, 1, 1],
    Array.from({ length: count }, (_, i) => i),
  );
  const won = as(ctx.op('Equal', [cells, winners(all, ctx)]), 'float32', ctx);
  const sums = ctx.op('ReduceSum', [ctx.op('Mul', [won, as(ctx.get(dy), 'float32', ctx)]), ctx.int64s([1, 2, 3])], {
    keepdims: 0,
  });
  ctx.set(dw, as(ctx.reshape(sums, dw.shape), ONNX_DTYPE[dw.dtype], ctx));
};

/** Lowerings of the dilations, by name. */
export const morphologyKernels: Record<MorphologyKernel, KernelLowering> = {
  Dilation2D,
  Dilation2DBackpropFilter,
  Dilation2DBackpropInput,
};
