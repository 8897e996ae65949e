// Reads pictures at computed coordinates: crops, rotations and projective transforms, by arithmetic on coordinates and
// a Gather. NHWC; rotations and transforms need a fixed height and width.
import { backend_util } from '@tensorflow/tfjs';
import type { Value } from '@forja/core/onnx';
import type { WarpKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type KernelLowering, type Logical, type LowerContext } from '../contract.js';
import { isStatic, type Size } from '../../program/size.js';
import { as, counted, numberAttribute, sizeScalar } from './layout.js';
import { dim, fixed, input, output, plus, product } from './spatial.js';

/** Arithmetic on values; each operation is one node, except `half`. */
function arithmetic(ctx: LowerContext): Record<'add' | 'sub' | 'mul' | 'div', (a: Value, b: Value) => Value> & {
  clip: (a: Value, most: number) => Value;
  half: (a: Value) => Value;
} {
  const op =
    (name: 'Add' | 'Sub' | 'Mul' | 'Div') =>
    (a: Value, b: Value): Value =>
      ctx.op(name, [a, b]);
  return {
    add: op('Add'),
    sub: op('Sub'),
    mul: op('Mul'),
    div: op('Div'),
    clip: (a, most) => ctx.op('Clip', [a, ctx.scalar(0), ctx.scalar(most)]),
    // Rounds half up, like Math.round.
    half: (a) => ctx.op('Floor', [ctx.op('Add', [a, ctx.scalar(0.5)])]),
  };
}

/** Whether coordinates are in 0..size-1. */
function inside(place: Value, size: Size, ctx: LowerContext): Value {
  return ctx.op('And', [
    ctx.op('GreaterOrEqual', [place, ctx.scalar(0)]),
    ctx.op('LessOrEqual', [place, sizeScalar(plus(size, -1), 'float32', ctx)]),
  ]);
}

function flat(rows: Value, columns: Value, width: Size, ctx: LowerContext): Value {
  return ctx.op('Add', [
    ctx.op('Mul', [as(rows, 'int64', ctx), sizeScalar(width, 'int64', ctx)]),
    as(columns, 'int64', ctx),
  ]);
}

/** Bilinear interpolation between four cells. */
function bilinear(
  rows: Value,
  columns: Value,
  at: (rows: Value, columns: Value) => Value,
  next: (floor: Value, exact: Value) => Value,
  ctx: LowerContext,
): Value {
  const { add, sub, mul } = arithmetic(ctx);
  const [top, left] = [ctx.op('Floor', [rows]), ctx.op('Floor', [columns])];
  const [bottom, right] = [next(top, rows), next(left, columns)];
  const channels = ctx.int64s([3]);
  const [down, over] = [
    ctx.op('Unsqueeze', [sub(rows, top), channels]),
    ctx.op('Unsqueeze', [sub(columns, left), channels]),
  ];
  const between = (a: Value, b: Value, share: Value): Value => add(mul(a, sub(ctx.scalar(1), share)), mul(b, share));
  return between(
    between(at(top, left), at(top, right), over),
    between(at(bottom, left), at(bottom, right), over),
    down,
  );
}

/**
 * Samples each box at evenly spaced rows and columns. Points outside the picture get the extrapolation value; boxes
 * whose picture index is out of range get 0.
 */
const CropAndResize: KernelLowering<'CropAndResize'> = (call, ctx) => {
  const [image, boxes, boxOf, y] = [
    input(call, 'image', ctx),
    input(call, 'boxes', ctx),
    input(call, 'boxInd', ctx),
    output(call, ctx),
  ];
  const [height, width, pictures] = [dim(image, 1), dim(image, 2), dim(image, 0)];
  const { add, sub, mul, div, half } = arithmetic(ctx);
  const corners = ctx.get(boxes);
  const corner = (i: number): Value =>
    ctx.op('Slice', [corners, ctx.int64s([i]), ctx.int64s([i + 1]), ctx.int64s([1])]);
  const last = (size: Size): Value => sizeScalar(plus(size, -1), 'float32', ctx);
  const places = (first: number, end: number, size: Size, count: Size): Value => {
    const [from, to] = [corner(first), corner(end)];
    const middle = (): Value =>
      mul(add(from, to), isStatic(size) ? ctx.scalar(0.5 * (size - 1)) : mul(ctx.scalar(0.5), last(size)));
    if (count === 1) return middle();
    const steps =
      isStatic(size) && isStatic(count)
        ? ctx.constant(
            'float32',
            [1, count],
            Array.from({ length: count }, (_, i) => i * (size - 1)),
          )
        : mul(ctx.reshape(counted(count, 'float32', ctx), [1, count]), last(size));
    const even = add(
      mul(from, last(size)),
      div(mul(sub(to, from), steps), isStatic(count) ? last(count) : ctx.op('Max', [last(count), ctx.scalar(1)])),
    );
    // A single row is sampled at the middle.
    return isStatic(count)
      ? even
      : ctx.op('Where', [
          ctx.op('Equal', [sizeScalar(count, 'int64', ctx), ctx.constant('int64', [], [1])]),
          middle(),
          even,
        ]);
  };
  const [down, over] = [
    ctx.op('Unsqueeze', [places(0, 2, height, dim(y, 1)), ctx.int64s([2])]),
    ctx.op('Unsqueeze', [places(1, 3, width, dim(y, 2)), ctx.int64s([1])]),
  ];
  const cells = ctx.reshape(as(ctx.get(image), 'float32', ctx), [product([pictures, height, width]), dim(image, 3)]);
  const owner = ctx.op('Unsqueeze', [as(ctx.get(boxOf), 'int64', ctx), ctx.int64s([1, 2])]);
  const known = ctx.op('And', [
    ctx.op('Less', [owner, sizeScalar(pictures, 'int64', ctx)]),
    ctx.op('GreaterOrEqual', [owner, ctx.constant('int64', [], [0])]),
  ]);
  const start = mul(
    ctx.op('Where', [known, owner, ctx.constant('int64', [], [0])]),
    sizeScalar(product([height, width]), 'int64', ctx),
  );
  const clip = (place: Value, size: Size): Value => ctx.op('Clip', [place, ctx.scalar(0), last(size)]);
  const at = (r: Value, c: Value): Value =>
    ctx.op('Gather', [cells, add(flat(clip(r, height), clip(c, width), width, ctx), start)], { axis: 0 });
  const value =
    call.attrs['method'] === 'nearest'
      ? at(half(down), half(over))
      : bilinear(down, over, at, (_floor, exact) => ctx.op('Ceil', [exact]), ctx);
  const within = ctx.op('Unsqueeze', [
    ctx.op('And', [inside(down, height, ctx), inside(over, width, ctx)]),
    ctx.int64s([3]),
  ]);
  const filled = ctx.op('Where', [within, value, ctx.scalar(numberAttribute(call, 'extrapolationValue', ctx))]);
  ctx.set(y, ctx.op('Where', [ctx.op('Unsqueeze', [known, ctx.int64s([3])]), filled, ctx.scalar(0)]));
};

/** Angle and centre are attributes, so the coordinates are computed here and stored as constants. */
const RotateWithOffset: KernelLowering<'RotateWithOffset'> = (call, ctx) => {
  const [image, y] = [input(call, 'image', ctx), output(call, ctx)];
  const [height, width, channels] = [1, 2, 3].map((axis) =>
    fixed(dim(image, axis), 'size of a picture that is rotated', ctx),
  ) as [number, number, number]; // one entry per axis
  const { radians, center, fillValue } = call.attrs;
  if (typeof radians !== 'number') return ctx.unsupported('an angle that is not a number');
  // tfjs's kernel reads `center` as this type
  const [centerX, centerY] = backend_util.getImageCenter(center as number | [number, number], height, width);
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const places = Array.from({ length: height * width }, (_, i) => {
    const [dx, dy] = [(i % width) - centerX, Math.floor(i / width) - centerY];
    const [column, row] = [Math.round(dx * cos - dy * sin + centerX), Math.round(dx * sin + dy * cos + centerY)];
    return column >= 0 && column < width && row >= 0 && row < height ? row * width + column : -1;
  });
  const fill = Array.from({ length: channels }, (_, c) =>
    typeof fillValue === 'number' ? fillValue : c === 3 ? 255 : Number(Array.isArray(fillValue) ? fillValue[c] : 0),
  );
  const type = y.dtype === 'bool' ? 'int32' : y.dtype;
  const cells = ctx.reshape(as(ctx.get(image), type, ctx), [dim(image, 0), height * width, channels]);
  const read = ctx.op('Gather', [cells, ctx.int64s(places.map((place) => Math.max(0, place)))], { axis: 1 });
  const within = ctx.constant(
    'bool',
    [height * width, 1],
    places.map((place) => Number(place >= 0)),
  );
  const value = ctx.op('Where', [
    within,
    read,
    ctx.constant(type, [channels], type === 'int32' ? fill.map(Math.trunc) : fill),
  ]);
  return ctx.set(y, as(ctx.reshape(value, y.shape), ONNX_DTYPE[y.dtype], ctx));
};

/** Maps coordinates outside 0..length-1 by fill mode, as tfjs does. */
const MAPPED: Record<string, (place: Value, length: number, ctx: LowerContext) => Value> = {
  constant: (place) => place,
  nearest: (place, length, ctx) => arithmetic(ctx).clip(place, length - 1),
  // [dcba|abcd|dcba]
  reflect: (place, length, ctx) => {
    const { add, sub, mul, div, clip } = arithmetic(ctx);
    const period = ctx.scalar(2 * length);
    const folded = (value: Value): Value => sub(value, mul(period, ctx.op('Floor', [div(value, period)])));
    const choose = (condition: Value, yes: Value, no: Value): Value => ctx.op('Where', [condition, yes, no]);
    const back = ctx.op('Neg', [folded(ctx.op('Neg', [place]))]);
    const negative = choose(
      ctx.op('Less', [back, ctx.scalar(-length)]),
      add(back, period),
      sub(ctx.op('Neg', [back]), ctx.scalar(1)),
    );
    const ahead = folded(place);
    const positive = choose(
      ctx.op('GreaterOrEqual', [ahead, ctx.scalar(length)]),
      sub(sub(period, ahead), ctx.scalar(1)),
      ahead,
    );
    const outside = choose(
      ctx.op('Less', [place, ctx.scalar(0)]),
      negative,
      choose(ctx.op('Greater', [place, ctx.scalar(length - 1)]), positive, place),
    );
    return clip(outside, length - 1);
  },
  // [abcd|abcd|abcd]
  wrap: (place, length, ctx) => {
    const { add, sub, mul, div, clip } = arithmetic(ctx);
    const size = ctx.scalar(length);
    const turns = (value: Value): Value => ctx.op('Floor', [div(value, ctx.scalar(length - 1))]);
    const negative = add(place, mul(size, add(turns(ctx.op('Neg', [place])), ctx.scalar(1))));
    const positive = sub(place, mul(size, turns(place)));
    const outside = ctx.op('Where', [
      ctx.op('Less', [place, ctx.scalar(0)]),
      negative,
      ctx.op('Where', [ctx.op('Greater', [place, ctx.scalar(length - 1)]), positive, place]),
    ]);
    return clip(outside, length - 1);
  },
};

function mapped(place: Value, length: number, mode: string, ctx: LowerContext): Value {
  const map = MAPPED[mode] ?? MAPPED['constant'];
  if (map === undefined) return ctx.unsupported(`fill mode ${mode}`);
  // With a single cell, every coordinate maps to it.
  return length === 1 && mode !== 'constant' ? ctx.op('Mul', [place, ctx.scalar(0)]) : map(place, length, ctx);
}

/**
 * Returns a function that reads a batch of pictures at coordinates, which are the same for all pictures or (`own`)
 * different for each.
 */
function reader(
  image: Logical,
  own: boolean,
  height: number,
  width: number,
  out: readonly [number, number],
  ctx: LowerContext,
): (rows: Value, columns: Value) => Value {
  const cells = ctx.reshape(as(ctx.get(image), 'float32', ctx), [dim(image, 0), height * width, dim(image, 3)]);
  const area = out[0] * out[1];
  return (rows, columns) => {
    const index = flat(rows, columns, width, ctx);
    const read = own
      ? ctx.op('GatherND', [cells, ctx.reshape(index, [dim(image, 0), area, 1])], { batch_dims: 1 })
      : ctx.op('Gather', [cells, ctx.reshape(index, [area])], { axis: 1 });
    return ctx.reshape(read, [dim(image, 0), ...out, dim(image, 3)]);
  };
}

/**
 * The result at (x, y) is read at ((a x + b y + c) / k, (d x + e y + f) / k), k = g x + h y + 1. tfjs's cpu kernel
 * applies this to the first picture only; its other kernels to all.
 */
const Transform: KernelLowering<'Transform'> = (call, ctx) => {
  const [image, transforms, y] = [input(call, 'image', ctx), input(call, 'transforms', ctx), output(call, ctx)];
  const [height, width] = [
    fixed(dim(image, 1), 'height of a picture that is transformed', ctx),
    fixed(dim(image, 2), 'width of a picture that is transformed', ctx),
  ];
  const out = [fixed(dim(y, 1), 'height', ctx), fixed(dim(y, 2), 'width', ctx)] as const;
  const { add, mul, div, half } = arithmetic(ctx);
  const [mode, fill] = [
    String(call.attrs['fillMode'] ?? 'constant'),
    ctx.scalar(numberAttribute(call, 'fillValue', ctx)),
  ];
  const table = ctx.get(transforms);
  const entry = (i: number): Value =>
    ctx.op('Unsqueeze', [
      ctx.op('Slice', [table, ctx.int64s([i]), ctx.int64s([i + 1]), ctx.int64s([1])]),
      ctx.int64s([2]),
    ]);
  const [xs, ys] = [
    ctx.constant(
      'float32',
      [1, 1, out[1]],
      Array.from({ length: out[1] }, (_, i) => i),
    ),
    ctx.constant(
      'float32',
      [1, out[0], 1],
      Array.from({ length: out[0] }, (_, i) => i),
    ),
  ];
  const line = (first: number): Value => add(mul(entry(first), xs), mul(entry(first + 1), ys));
  const scale = add(line(6), ctx.scalar(1));
  const infinite = ctx.op('Equal', [scale, ctx.scalar(0)]);
  // Divide by 1 where k = 0: infinity cannot be cast to an integer index.
  const divisor = ctx.op('Where', [infinite, ctx.scalar(1), scale]);
  const columns = mapped(div(add(line(0), entry(2)), divisor), width, mode, ctx);
  const rows = mapped(div(add(line(3), entry(5)), divisor), height, mode, ctx);
  const read = reader(image, dim(transforms, 0) !== 1, height, width, out, ctx);
  const at = (r: Value, c: Value): Value => {
    const clipped = read(
      ctx.op('Clip', [r, ctx.scalar(0), ctx.scalar(height - 1)]),
      ctx.op('Clip', [c, ctx.scalar(0), ctx.scalar(width - 1)]),
    );
    const within = ctx.op('And', [inside(r, height, ctx), inside(c, width, ctx)]);
    return ctx.op('Where', [ctx.op('Unsqueeze', [within, ctx.int64s([3])]), clipped, fill]);
  };
  const value =
    call.attrs['interpolation'] === 'nearest'
      ? at(half(rows), half(columns))
      : bilinear(rows, columns, at, (floor) => add(floor, ctx.scalar(1)), ctx);
  ctx.set(
    y,
    as(ctx.op('Where', [ctx.op('Unsqueeze', [infinite, ctx.int64s([3])]), fill, value]), ONNX_DTYPE[y.dtype], ctx),
  );
};

/** Lowerings of the warps, by name. */
export const warpKernels: Record<WarpKernel, KernelLowering> = { CropAndResize, RotateWithOffset, Transform };
